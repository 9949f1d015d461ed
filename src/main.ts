// The program: its commands, and what they are given to work with.
import { accountCommands } from "./cli/accounts.ts";
import { alarmCommands } from "./cli/alarms.ts";
import type { Command } from "./cli/arguments.ts";
import { auditCommand } from "./cli/audit.ts";
import { backupCommands } from "./cli/backup.ts";
import { canaryCommands } from "./cli/canaries.ts";
import { requirePorts } from "./cli/checks.ts";
import { completionCommand } from "./cli/completion.ts";
import { configCommand } from "./cli/config.ts";
import { diskCommands } from "./cli/disk.ts";
import { doctorCommand } from "./cli/doctor.ts";
import { fetchAgain, operate } from "./cli/errands.ts";
import { eventsCommand } from "./cli/events.ts";
import { feedCommands } from "./cli/feeds.ts";
import { followCommands } from "./cli/follow.ts";
import { gcCommand } from "./cli/gc.ts";
import { healthCommand } from "./cli/health.ts";
import { hookCommands } from "./cli/hooks.ts";
import { hostedCommands } from "./cli/hosted.ts";
import { importCommand } from "./cli/import.ts";
import { runCli } from "./cli/index.ts";
import { ledgerCommands } from "./cli/ledger.ts";
import { moveCommand } from "./cli/move.ts";
import { operationCommands, type RunDeps } from "./cli/operations.ts";
import { policyCommands } from "./cli/policy.ts";
import { processLog } from "./cli/process-log.ts";
import { isOneOfSeveral, runAsOne, siblingsOf } from "./cli/processes.ts";
import { publishCommand } from "./cli/publish.ts";
import { readyCommand } from "./cli/ready.ts";
import { reloadCommand } from "./cli/reload.ts";
import { serveCommand } from "./cli/serve.ts";
import { setupCommand } from "./cli/setup.ts";
import { statsCommand } from "./cli/stats.ts";
import { hasStore } from "./cli/store.ts";
import { unpinCommand } from "./cli/unpin.ts";
import { verifyCommand } from "./cli/verify.ts";
import { formats } from "./formats/index.ts";
import { shareOf } from "./server/processes/share.ts";
import { start } from "./server/start.ts";

export function commands(): Command[] {
  const deps = { formats };
  const working = {
    formats,
    operate: (...[config, request, call]: Parameters<RunDeps["operate"]>) =>
      operate(start, config, request, call),
  };
  return [
    serveCommand({
      formats,
      async start(config, load, { hasCanaries }) {
        if (!hasStore(config)) await requirePorts(config);
        const log = processLog(config);
        const siblings = siblingsOf(config, import.meta.path, log);
        return start({
          ...(siblings && { siblings }),
          config: shareOf(config),
          load: () => shareOf(load()),
          log,
          hasControl: true,
          hasCanaries,
        });
      },
    }),
    setupCommand(deps),
    doctorCommand(deps),
    healthCommand(deps),
    configCommand(deps),
    reloadCommand(deps),
    eventsCommand(deps),
    verifyCommand({ formats, fetchAgain: (config, wanted) => fetchAgain(start, config, wanted) }),
    ...backupCommands(deps),
    moveCommand(deps),
    gcCommand(working),
    publishCommand(working),
    ...hostedCommands(working),
    ...policyCommands(working),
    ...feedCommands(working),
    importCommand(deps),
    unpinCommand(working),
    ...accountCommands(working),
    auditCommand(deps),
    ...hookCommands(working),
    ...diskCommands(working),
    ...ledgerCommands(working),
    ...followCommands(working),
    ...canaryCommands(working),
    readyCommand(working),
    ...alarmCommands(working),
    statsCommand(deps),
    ...operationCommands(working),
    completionCommand(commands),
  ];
}

if (import.meta.main) {
  const argv = process.argv.slice(2);
  const code = isOneOfSeveral(argv) ? await runAsOne(argv) : await runCli(argv, commands());
  process.exitCode = code;
  // What a second signal cut short may still hold the process; the last log lines get out before.
  setTimeout(() => process.exit(code), 200).unref();
}
