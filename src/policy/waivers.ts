// The waivers of a server: all of them in memory, for they are few and asked for often.
import { randomUUID } from "node:crypto";
import type { AuditAction, AuditEntry } from "../core/audit.ts";
import { nameOf, type Principal, theServer } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import type { Change, Changes } from "../store/changes.ts";
import type { Database, Query } from "../store/database.ts";
import type { Waiver } from "./waiver.ts";

/** Those that there are now. */
export interface CurrentWaivers {
  /** Rises with each change. */
  revision(): number;
  /** Oldest first; also those that have ended, and those that block. */
  all(): readonly Waiver[];
}

export interface Waivers extends CurrentWaivers {
  /** Makes one, and writes it down in the audit log. */
  add(by: Principal, waiver: Omit<Waiver, "id" | "owner" | "createdAt">): Promise<Waiver>;
  /** Takes one back; `reason` stands in the audit log. Throws Problem("notFound"). */
  remove(by: Principal, id: string, reason?: string): Promise<Waiver>;
  /** Ends one that is "until fixed": `version` is the fix. Nothing happens when it has ended. */
  fixed(id: string, version: string): Promise<void>;
}

export interface WaiverDeps {
  database: Database;
  changes: Changes;
  audit(sql: Query, entry: AuditEntry): Promise<void>;
  now(): number;
}

/** Reads those that are stored. */
export async function openWaivers(deps: WaiverDeps): Promise<Waivers> {
  const { database, changes, now } = deps;
  let revision = 0;
  let all = await readWaivers(database.read);
  let reading: Promise<unknown> = Promise.resolve();

  async function write(by: Principal, isNew: boolean, waiver: Waiver, why?: string) {
    const action = waiver.isBlock
      ? (["unblock", "block"] as const)
      : (["unwaive", "waive"] as const);
    await database.write(
      async (sql) => {
        if (isNew) await insertWaiver(sql, waiver);
        else await sql`DELETE FROM waivers WHERE id = ${waiver.id}`;
        await deps.audit(sql, entryOf(by, action[Number(isNew)]!, waiver, why));
        await changes.note(sql, changeOf(waiver));
      },
      { durable: true },
    );
    await changed(waiver);
    return waiver;
  }

  /** One after the other: an older look must not take the place of a newer one. */
  async function readAgain(): Promise<void> {
    const turn = reading.then(() => readWaivers(database.read));
    reading = turn.catch(() => {});
    all = await turn;
    revision += 1;
  }

  async function changed(waiver: Waiver): Promise<void> {
    await readAgain();
    changes.announce(changeOf(waiver));
    await changes.everywhere(changeOf(waiver));
  }

  changes.copy("policy", readAgain);

  async function fixed(id: string, version: string): Promise<void> {
    const waiver = all.find((one) => one.id === id);
    const at = now();
    const ended = await database.write(async (sql) => {
      const rows =
        await sql`UPDATE waivers SET ends_at = ${at}, until_fixed = 0 WHERE id = ${id} AND until_fixed = 1 RETURNING id`;
      if (rows.length === 0 || !waiver) return false;
      const entry = entryOf(theServer, "unwaive", { ...waiver, until: at });
      await deps.audit(sql, { ...entry, detail: { ...entry.detail, fixed: version } });
      await changes.note(sql, changeOf(waiver));
      return true;
    });
    if (ended) await changed(waiver!);
  }

  return {
    revision: () => revision,
    all: () => all,
    add: (by, waiver) =>
      write(by, true, { ...waiver, id: randomUUID(), owner: nameOf(by), createdAt: now() }),
    fixed,
    async remove(by, id, reason) {
      const waiver = all.find((one) => one.id === id);
      if (!waiver) throw new Problem("notFound", `There is no waiver ${id}`);
      return write(by, false, waiver, reason);
    },
  };
}

function changeOf({ repository, package: name }: Waiver): Change {
  return { kind: "policy", repository: repository ?? "", key: name };
}

/** `why`: of what is done to it, where that is not what it was made for. */
function entryOf(by: Principal, action: AuditAction, waiver: Waiver, why?: string): AuditEntry {
  const { id, repository, versions, reason, until, untilFixed } = waiver;
  return {
    action,
    principal: by,
    ...(repository !== null && { repository }),
    package: waiver.package,
    detail: {
      id,
      versions,
      reason,
      until: until === null ? null : new Date(until).toISOString(),
      ...(untilFixed && { untilFixed }),
      ...(why && { why }),
    },
  };
}

async function insertWaiver(sql: Query, waiver: Waiver): Promise<void> {
  const { id, repository, purlType, versions, reason, owner, createdAt, until } = waiver;
  await sql`INSERT INTO waivers (id, repository, purl_type, package, versions, reason, owner, created_at, ends_at, until_fixed, is_block)
    VALUES (${id}, ${repository ?? ""}, ${purlType}, ${waiver.package}, ${versions}, ${reason}, ${owner}, ${createdAt}, ${until}, ${waiver.untilFixed ? 1 : 0}, ${waiver.isBlock ? 1 : 0})`;
}

/** Oldest first. */
export async function readWaivers(sql: Query): Promise<Waiver[]> {
  const rows = await sql`SELECT * FROM waivers ORDER BY created_at, id`;
  // biome-ignore lint/suspicious/noExplicitAny: a row as the database gives it
  return rows.map((row: any) => ({
    id: row.id,
    repository: row.repository || null,
    purlType: row.purl_type,
    package: row.package,
    versions: row.versions,
    reason: row.reason,
    owner: row.owner,
    createdAt: Number(row.created_at),
    until: row.ends_at === null ? null : Number(row.ends_at),
    ...(Number(row.until_fixed) === 1 && { untilFixed: true }),
    ...(Number(row.is_block) === 1 && { isBlock: true }),
  }));
}
