// What is said of a package, and what of it is shown: changed by compare-and-swap, with an entry in the audit log.
import type { AuditAction, AuditEntry } from "../core/audit.ts";
import type { Act } from "../core/hook.ts";
import type { HostedPackage } from "../core/hosted.ts";
import type { HostedChange, Part } from "../core/hosting.ts";
import { nameOf, type Principal } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import { type Change, goneFile } from "../store/changes.ts";
import type { Query } from "../store/database.ts";
import type { HostedDeps, HostedSettings } from "./deps.ts";
import {
  changedAfter,
  type FileRow,
  hideFile,
  type PackageRow,
  readFileRows,
  readPackage,
  readPackageRow,
  readReleaseSizes,
  showFile,
  updatePackage,
} from "./rows.ts";
import { boundState, metadataBytes, takeRoom } from "./usage.ts";

export interface What {
  action: AuditAction & Act;
  /** "deprecate", "dist-tag" */
  name: string;
  detail?: Record<string, unknown>;
}

const DURABLE = { durable: true };

/** For who was found to be allowed to. */
export function createChange(deps: HostedDeps, settings: HostedSettings) {
  const { database, changes, now } = deps;
  const { repository } = settings;

  async function change(
    principal: Principal,
    name: string,
    what: What,
    make: (now: HostedPackage) => HostedChange,
    expected?: number,
  ): Promise<HostedPackage> {
    const changed = await database.write(async (sql) => {
      const before = await expect(sql, name, expected);
      const all = (await readPackage(sql, repository, name))!;
      const { state, releases = [] } = make(all);
      if (releases.length > 0) await changeReleases(sql, all, releases);
      await touch(sql, before, state);
      await deps.audit(sql, entryOf(principal, name, what));
      await tellHooks(sql, principal, name, what);
      await changes.note(sql, hosted(name));
      return (await readPackage(sql, repository, name))!;
    }, DURABLE);
    changes.announce(hosted(name));
    await changes.everywhere(hosted(name));
    return changed;
  }

  /** What is said of a release more than before counts in the quota of who published it. */
  async function changeReleases(
    sql: Query,
    { name, releases }: HostedPackage,
    changed: NonNullable<HostedChange["releases"]>,
  ): Promise<void> {
    const [only = null] = changed.length === 1 ? changed.map(({ version }) => version) : [];
    const sizes = await readReleaseSizes(sql, repository, name, only);
    const sizeOf = new Map(sizes.map((one) => [one.version, one]));
    const grown = new Map<string, number>();
    for (const { version, ...change } of changed) {
      const before = releases.find((one) => one.version === version);
      if (!before) throw new Problem("notFound", `${name} has no version ${version} here`);
      const metadata = "metadata" in change ? change.metadata : before.metadata;
      const yanked = change.yanked === undefined ? before.yanked : change.yanked;
      await sql`UPDATE hosted_releases SET metadata = ${JSON.stringify(metadata ?? null)}, yanked = ${yanked}
        WHERE repository = ${repository} AND package = ${name} AND version = ${version}`;
      const { account, bytes } = sizeOf.get(version)!;
      grown.set(account, (grown.get(account) ?? 0) + metadataBytes(metadata) - bytes);
    }
    for (const [account, bytes] of grown)
      if (bytes !== 0) await takeRoom(sql, settings, account, 0, bytes);
  }

  /** Into the trash: all of the parts, or nothing. */
  async function remove(
    principal: Principal,
    name: string,
    parts: readonly Part[],
    expected?: number,
  ): Promise<{ files: number }> {
    const { rows } = await database.write(async (sql) => {
      const before = await expect(sql, name, expected);
      const rows: FileRow[] = [];
      const what = { action: "unpublish", name: "unpublish" } as const;
      for (const part of parts) {
        const removed = await removePart(sql, principal, name, part);
        await tellHooks(sql, principal, name, what, part, removed);
        rows.push(...removed);
      }
      await touch(sql, before);
      await auditFiles(sql, principal, name, what, rows);
      await note(sql, name, rows);
      return { rows };
    }, DURABLE);
    await tell(name, rows);
    return { files: rows.length };
  }

  async function removePart(
    sql: Query,
    principal: Principal,
    name: string,
    part: Part,
  ): Promise<FileRow[]> {
    const rows = await readFileRows(sql, repository, name, part, false);
    const at = now();
    for (const { file } of rows) {
      await sql`UPDATE hosted_files SET removed_at = ${at}, removed_by = ${nameOf(principal)}
        WHERE repository = ${repository} AND package = ${name} AND file = ${file}`;
      await hideFile(sql, repository, name, file);
    }
    const releases = await removeReleases(sql, name, part, rows, at);
    if (rows.length + releases === 0) throw nothing(name, part);
    return rows;
  }

  /** Those that were meant, and those that have no file left of which one was. */
  async function removeReleases(
    sql: Query,
    name: string,
    { version, file }: Part,
    rows: readonly FileRow[],
    at: number,
  ): Promise<number> {
    if (file === undefined) {
      const only = version ?? null;
      const done = await sql`UPDATE hosted_releases SET removed_at = ${at}
        WHERE repository = ${repository} AND package = ${name} AND removed_at IS NULL
        AND (CAST(${only} AS TEXT) IS NULL OR version = ${only}) RETURNING version`;
      return done.length;
    }
    for (const { version: touched } of rows)
      await sql`UPDATE hosted_releases SET removed_at = ${at}
        WHERE repository = ${repository} AND package = ${name} AND version = ${touched} AND removed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM hosted_files f WHERE f.repository = ${repository} AND f.package = ${name}
          AND f.version = ${touched} AND f.removed_at IS NULL)`;
    return 0;
  }

  /** Out of the trash. */
  async function restore(
    principal: Principal,
    name: string,
    part: Part,
  ): Promise<{ files: number }> {
    const { rows } = await database.write(async (sql) => {
      const before = await expect(sql, name);
      const rows = await readFileRows(sql, repository, name, part, true);
      if (rows.length === 0)
        throw new Problem(
          "notFound",
          `Nothing of ${told(name, part)} is in the trash of ${repository}`,
        );
      for (const row of rows) {
        await sql`UPDATE hosted_files SET removed_at = NULL, removed_by = NULL
          WHERE repository = ${repository} AND package = ${name} AND file = ${row.file}`;
        await sql`UPDATE hosted_releases SET removed_at = NULL
          WHERE repository = ${repository} AND package = ${name} AND version = ${row.version}`;
        await showFile(sql, repository, name, row);
      }
      await touch(sql, before);
      const what = { action: "restore", name: "restore" } as const;
      await auditFiles(sql, principal, name, what, rows);
      await tellHooks(sql, principal, name, what, part, rows);
      await note(sql, name, rows);
      return { rows };
    }, DURABLE);
    await tell(name, rows);
    return { files: rows.length };
  }

  async function expect(sql: Query, name: string, expected?: number): Promise<PackageRow> {
    const row = await readPackageRow(sql, repository, name);
    if (!row) throw new Problem("notFound", `${name} is not published in ${repository}`);
    if (expected !== undefined && row.revision !== expected)
      throw new Problem(
        "conflict",
        `${name} was changed meanwhile: it is at revision ${row.revision}, not ${expected}`,
      );
    return row;
  }

  async function touch(
    sql: Query,
    before: PackageRow,
    state: Record<string, unknown> = before.state,
  ): Promise<void> {
    boundState(before.name, before.state, state);
    const changedAt = changedAfter(before, now());
    await updatePackage(sql, repository, {
      ...before,
      revision: before.revision + 1,
      changedAt,
      state,
    });
  }

  async function auditFiles(
    sql: Query,
    principal: Principal,
    name: string,
    what: What,
    rows: readonly FileRow[],
  ): Promise<void> {
    for (const { purl, sha256, file } of rows)
      await deps.audit(sql, {
        ...entryOf(principal, name, { ...what, detail: { file } }),
        purl,
        digest: sha256,
      });
    if (rows.length === 0) await deps.audit(sql, entryOf(principal, name, what));
  }

  /** One message for all files that it is about. */
  async function tellHooks(
    sql: Query,
    principal: Principal,
    name: string,
    { action, name: how, detail }: What,
    { version = textOf(detail?.["version"]), file }: Part = {},
    rows: readonly FileRow[] = [],
  ): Promise<void> {
    const who = nameOf(principal);
    const verb = action === "change" ? `changed (${how})` : VERBS[action];
    const about = told(name, { ...(version && { version }), ...(file && { file }) });
    await deps.tell(sql, {
      type: action,
      repository,
      package: name,
      version,
      file,
      purl: version === undefined ? undefined : rows[0]?.purl,
      who,
      message: `${who} ${verb} ${about} in ${repository}`,
      detail: { ...detail, how, ...(rows.length > 0 && { files: rows.length }) },
    });
  }

  function entryOf(
    principal: Principal,
    name: string,
    { action, name: how, detail }: What,
  ): AuditEntry {
    return { action, principal, repository, package: name, detail: { how, ...detail } };
  }

  function nothing(name: string, part: Part): Problem {
    return new Problem("notFound", `${told(name, part)} is not published in ${repository}`);
  }

  const hosted = (name: string): Change => ({ kind: "hosted", repository, key: name });

  async function note(sql: Query, name: string, rows: readonly FileRow[]): Promise<void> {
    for (const { file } of rows) await changes.note(sql, goneFile(repository, name, file));
    await changes.note(sql, hosted(name));
  }

  async function tell(name: string, rows: readonly FileRow[]): Promise<void> {
    for (const { file } of rows) changes.announce(goneFile(repository, name, file));
    changes.announce(hosted(name));
    await changes.everywhere(hosted(name));
  }

  return { change, remove, restore };
}

const VERBS: Readonly<Record<Exclude<Act, "change">, string>> = {
  publish: "published",
  yank: "yanked",
  unyank: "took the yank back of",
  unpublish: "unpublished",
  restore: "restored",
};

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function told(name: string, { version, file }: Part): string {
  if (file !== undefined) return `${file} of ${name}`;
  return version === undefined ? name : `${name}@${version}`;
}
