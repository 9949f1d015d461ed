// Publishing: bytes are named and on the disk first, then one transaction writes down all that is said of them.
import type { AuditAction } from "../core/audit.ts";
import type { RepositoryEvent } from "../core/event.ts";
import type { Publication } from "../core/hosting.ts";
import { nameOf, type Principal } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import { type FileKey, type Pin, pin, readPin, unpin } from "../ledger/pins.ts";
import type { Incoming } from "../store/blobs.ts";
import { type Change, goneFile } from "../store/changes.ts";
import type { Query } from "../store/database.ts";
import type { Hold } from "../store/leases.ts";
import type { HostedDeps, HostedSettings } from "./deps.ts";
import {
  changedAfter,
  type FileRow,
  fetchedFiles,
  HERE,
  insertPackage,
  type PackageRow,
  putFile,
  putRelease,
  type ReleaseSize,
  readFileRow,
  readPackageRow,
  readReleaseSizes,
  showFile,
  updatePackage,
  wasSeenUpstream,
} from "./rows.ts";
import { accountOf, boundState, countUsage, metadataBytes, takeRoom } from "./usage.ts";

/** Bytes that are to be published: that just came, or, without `incoming`, that are stored here under another name. */
export interface Bytes {
  file: string;
  kind: string;
  purl: string;
  path: string;
  sha256: string;
  size: number;
  metadata: unknown;
  incoming: Incoming | null;
}

export interface Release extends Omit<Publication, "files"> {
  files: Bytes[];
  action: AuditAction;
}

export interface Published {
  isNew: boolean;
  revision: number;
}

interface Written extends Published {
  changed: FileRow[];
  /** Files of which something may be remembered although they are no longer what they were. */
  forgotten: string[];
  /** Bytes that no row of the package names any more. */
  dropped: string[];
  events: RepositoryEvent[];
}

const DURABLE = { durable: true };
/** Files of a release that hooks are told of by name. */
const MOST_TOLD = 50;

/** Publishes a release, or adds files to one, for who was found to be allowed to. */
export function createPublish(deps: HostedDeps, settings: HostedSettings) {
  const { database, blobs, changes, naming, now } = deps;
  const { repository } = settings;

  return async (principal: Principal, release: Release): Promise<Published> => {
    const { package: name, files } = release;
    await naming.mayPublish();
    for (const file of files) await refuseOther(database.read, name, file);
    const held: Hold[] = [];
    const named: string[] = [];
    try {
      for (const { sha256, size, incoming } of files) {
        held.push(await naming.hold(sha256));
        if ((await blobs.stored(sha256))?.size === size) {
          // Bytes that are stored may have been fetched, and not be on the disk yet: naming them again sees to that.
          if (incoming) await incoming.commit(sha256, DURABLE);
          continue;
        }
        if (!incoming)
          throw new Problem("unreachable", `Bytes that were stored here are lost: ${sha256}`);
        named.push(sha256);
        await incoming.commit(sha256, DURABLE);
      }
      const written = await database.write(async (sql) => {
        for (const hold of held) await hold.assure(sql);
        return write(sql, principal, release);
      }, DURABLE);
      await tell(name, written);
      for (const letGo of held) letGo();
      for (const sha256 of written.dropped) await naming.remove(sha256);
      return { isNew: written.isNew, revision: written.revision };
    } catch (error) {
      for (const letGo of held) letGo();
      for (const sha256 of named) await naming.remove(sha256).catch(() => {}); // else `gc` finds it
      throw error;
    }
  };

  /** Before anything costs a sync. What is decided here is decided again in the transaction. */
  async function refuseOther(sql: Query, name: string, { file, sha256 }: Bytes): Promise<void> {
    if (settings.replace) return;
    const first = await readPin(sql, { repository, package: name, file });
    if (first && first.sha256 !== sha256) throw await otherBytes(sql, name, file, first);
  }

  async function write(sql: Query, principal: Principal, release: Release): Promise<Written> {
    const { package: name, version, files } = release;
    const at = now();
    const by = nameOf(principal);
    const before = await readPackageRow(sql, repository, name);
    if (!before) await refuseSeen(sql, settings, name);
    const place = (before?.revision ?? 0) + 1;
    const written: Written = {
      isNew: false,
      revision: before?.revision ?? 0,
      changed: [],
      forgotten: before ? [] : await fetchedFiles(sql, repository, name),
      dropped: [],
      events: [],
    };
    for (const bytes of files)
      await writeFile(sql, name, version, place, bytes, written, principal, at);
    const [known = null] = await readReleaseSizes(sql, repository, name, version);
    const isHere = known !== null && !known.isRemoved;
    if (written.changed.length === 0 && (files.length > 0 || isHere)) return written;
    if (!isHere) await writeRelease(sql, principal, release, known, place, at);
    const first = before?.state ?? {};
    const state = release.state ? release.state(first) : first;
    boundState(name, first, state);
    const row: PackageRow = before
      ? { ...before, revision: place, changedAt: changedAfter(before, at), state }
      : { name, revision: place, createdAt: at, createdBy: by, changedAt: at, state };
    await (before ? updatePackage : insertPackage)(sql, repository, row);
    await audit(sql, principal, release, written.changed);
    if (!release.isDerived) await tellHooks(sql, by, release, written.changed);
    const published = { ...written, isNew: true, revision: place };
    for (const change of changesOf(name, published)) await changes.note(sql, change);
    return published;
  }

  async function writeRelease(
    sql: Query,
    principal: Principal,
    { package: name, version, metadata }: Release,
    known: ReleaseSize | null,
    place: number,
    at: number,
  ): Promise<void> {
    const account = accountOf(principal);
    const publishedBy = nameOf(principal);
    if (known) await countUsage(sql, repository, known.account, 0, -known.bytes);
    await takeRoom(sql, settings, account, 0, metadataBytes(metadata));
    const release = { version, place, publishedAt: at, publishedBy, account, metadata };
    await putRelease(sql, repository, name, release);
  }

  async function writeFile(
    sql: Query,
    name: string,
    version: string,
    place: number,
    { incoming: _, ...bytes }: Bytes,
    written: Written,
    principal: Principal,
    at: number,
  ): Promise<void> {
    const { file, sha256, size } = bytes;
    const key = { repository, package: name, file };
    const known = await readFileRow(sql, repository, name, file);
    const first = await readPin(sql, key);
    if (first && first.sha256 !== sha256) {
      if (!settings.replace) throw await otherBytes(sql, name, file, first);
      written.events.push(await replacePin(sql, key, version, sha256, nameOf(principal), at));
      if (known) written.dropped.push(known.sha256);
    } else if (known && known.removedAt === null) return;
    const account = accountOf(principal);
    const sizeOf = (one: { size: number; metadata: unknown }) =>
      one.size + metadataBytes(one.metadata);
    if (known) await countUsage(sql, repository, known.account, -1, -sizeOf(known));
    await takeRoom(sql, settings, account, 1, sizeOf(bytes));
    const found = { sha256, size, firstSeen: at, upstream: HERE, digests: null, content: null };
    await pin(sql, key, found);
    const row: FileRow = {
      ...bytes,
      version,
      publishedAt: at,
      publishedBy: nameOf(principal),
      account,
      removedAt: null,
      removedBy: null,
    };
    await putFile(sql, repository, name, place, row);
    await showFile(sql, repository, name, row);
    written.changed.push(row);
  }

  async function otherBytes(sql: Query, name: string, file: string, first: Pin): Promise<Problem> {
    const row = await readFileRow(sql, repository, name, file);
    const begun =
      first.upstream === HERE
        ? `was published here on ${dayOf(first.firstSeen)}${row ? ` by ${row.publishedBy}` : ""}`
        : `was fetched from ${first.upstream} on ${dayOf(first.firstSeen)}`;
    const ended =
      row && row.removedAt !== null
        ? ` and removed on ${dayOf(row.removedAt)} by ${row.removedBy}`
        : "";
    const gone = first.upstream === HERE && !row ? " and removed since" : ended;
    return new Problem(
      "conflict",
      `${file} of ${name} ${begun}${gone}, with other bytes: what was published never changes, so another version is needed`,
      { rule: "immutable" },
    );
  }

  async function replacePin(
    sql: Query,
    key: FileKey,
    version: string,
    sha256: string,
    by: string,
    at: number,
  ): Promise<RepositoryEvent> {
    const before = (await unpin(sql, key, { at, by, reason: "published again with other bytes" }))!;
    const event: RepositoryEvent = {
      kind: "replaced",
      package: key.package,
      version,
      file: key.file,
      message: `${by} published ${key.file} of ${key.package} again with other bytes, which the configuration allows (hosted: replace)`,
      detail: { by, before: before.sha256, after: sha256 },
    };
    await deps.events.store(sql, repository, event);
    return event;
  }

  async function audit(
    sql: Query,
    principal: Principal,
    { package: name, version, detail, action }: Release,
    changed: readonly FileRow[],
  ): Promise<void> {
    const entry = { action, principal, repository, package: name };
    if (changed.length === 0) await deps.audit(sql, { ...entry, detail: { version, ...detail } });
    for (const { file, purl, sha256 } of changed)
      await deps.audit(sql, { ...entry, purl, digest: sha256, detail: { file, ...detail } });
  }

  /** One message a release, however many files it has. */
  async function tellHooks(
    sql: Query,
    who: string,
    { package: name, version, detail, action }: Release,
    changed: readonly FileRow[],
  ): Promise<void> {
    const from = action === "promote" ? ` from ${detail?.["from"]}` : "";
    const verb = action === "promote" ? "promoted" : "published";
    await deps.tell(sql, {
      type: "publish",
      repository,
      package: name,
      version,
      purl: changed[0]?.purl,
      who,
      message: `${who} ${verb} ${name} ${version}${from} in ${repository}`,
      detail: {
        ...detail,
        files: changed
          .slice(0, MOST_TOLD)
          .map(({ file, sha256, size }) => ({ file, sha256, size })),
      },
    });
  }

  function changesOf(name: string, { changed, forgotten }: Written): Change[] {
    const files = new Set([...forgotten, ...changed.map((row) => row.file)]);
    const gone = [...files].map((file) => goneFile(repository, name, file));
    return [{ kind: "hosted", repository, key: name }, ...gone];
  }

  async function tell(name: string, written: Written): Promise<void> {
    if (!written.isNew) return;
    const all = changesOf(name, written);
    for (const change of all) changes.announce(change);
    for (const event of written.events) deps.events.announce(repository, event);
    await changes.everywhere(all[0]!);
  }
}

/** A name that the upstream has, as far as it was ever asked, is not taken by accident. No upstream is asked for that. */
export async function refuseSeen(
  sql: Query,
  { repository, claims }: HostedSettings,
  name: string,
): Promise<void> {
  if (claims(name) || !(await wasSeenUpstream(sql, repository, name))) return;
  throw new Problem(
    "conflict",
    `${name} came from the upstream of ${repository} before: to publish your own, add it to the repository's claims, and it is never asked for upstream again`,
    { rule: "claims" },
  );
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
