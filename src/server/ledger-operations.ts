// What `holdfast ledger audit|accept` have the server do.
import type { OperationCall } from "../core/operation.ts";
import { Problem } from "../core/problem.ts";
import type { HouseOperations } from "../jobs/house.ts";
import { acceptHistory } from "../ledger/log/accept.ts";
import { type AuditCall, auditLog } from "../ledger/log/audit.ts";
import type { Finding } from "../ledger/log/finding.ts";
import type { Ground } from "./ground.ts";

/** Lines of one kind of finding; the rest is counted. */
const LINES = 100;

export function ledgerOperations({ shared, ledgerLog: log }: Ground): HouseOperations {
  const { database, events, now } = shared;
  const deps = { files: log.files, read: database.read, database, events, log, now };
  return {
    async "ledger audit"(call) {
      const report = reportOf(call);
      const { leaves, rows, findings, accepted } = await auditLog(deps, report);
      report.end();
      if (accepted)
        call.say(
          `what the log tells of before ${new Date(accepted.at).toISOString()} (leaf ${accepted.leaf}) was accepted`,
        );
      const loss = await log.loss();
      if (loss !== null) call.say(loss.message);
      call.say(
        `${leaves} leaves, ${rows} rows: ${findings === 0 ? "they say the same, under the checkpoint that was signed" : `${findings} findings`}`,
      );
      return findings === 0;
    },
    async "ledger accept"(call) {
      const { reason, by } = call.values ?? {};
      if (!reason?.trim() || !by)
        throw new Problem(
          "badRequest",
          "To accept what the log and the database say takes a reason and who asks",
        );
      const report = reportOf(call);
      const findings = await acceptHistory(deps, { reason: reason.trim(), by }, report);
      report.end();
      call.say(
        `${findings} findings are accepted: the log has leaves that say so, and goes on from here`,
      );
      return true;
    },
  };
}

/** Each finding as a line, and of very many how many more. */
function reportOf({ say, progress, signal }: OperationCall): AuditCall & { end(): void } {
  const counts = new Map<Finding["kind"], number>();
  return {
    async found({ kind, text }) {
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      if (count <= LINES) say(`${kind.padEnd(9)} ${text}`);
    },
    progress: (done, total) => progress(done, total, "leaves"),
    signal,
    end() {
      for (const [kind, count] of counts)
        if (count > LINES) say(`${kind.padEnd(9)} and ${count - LINES} more`);
    },
  };
}
