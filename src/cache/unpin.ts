// Takes a pin back: for an operator who knows that the first bytes seen of a file were the wrong ones. Audited.
import type { RepositoryEvent } from "../core/event.ts";
import { Problem } from "../core/problem.ts";
import { readFileRow } from "../hosted/rows.ts";
import type { Events } from "../ledger/events.ts";
import { readFact } from "../ledger/fact-rows.ts";
import { type FileKey, listPinned, unpin } from "../ledger/pins.ts";
import { type Changes, goneFile } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { removeStored } from "./artifact-rows.ts";
import type { Naming } from "./named.ts";

export interface UnpinDeps {
  database: Database;
  changes: Changes;
  naming: Naming;
  events: Events;
  now(): number;
}

export interface Unpinning extends FileKey {
  reason: string;
  /** Who asks for it, as exactly as is known. */
  by: string;
}

/** How many other files are named when the wanted one is none. */
const HINTS = 5;

/**
 * The file is as if it had never been fetched: what is asked for next is pinned anew. What its documents said first stays, and binds the next bytes.
 * Returns the digest that was pinned. Throws Problem("notFound") when none was, and names what is; Problem("conflict") where nothing but the first bytes could
 * ever be had, so that nobody would have the file any more.
 */
export async function takeBackPin(deps: UnpinDeps, wanted: Unpinning): Promise<string> {
  const { database, changes, naming, events, now } = deps;
  const { repository, package: name, file, reason, by } = wanted;
  const done = await database.write(async (sql) => {
    if (await readFileRow(sql, repository, name, file))
      throw new Problem(
        "conflict",
        `${file} of ${name} was published here, and is here or in the trash: its pin is what keeps others from taking its place`,
      );
    const fact = await readFact(sql, wanted);
    if (fact?.integrity && fact.tampered)
      throw new Problem(
        "conflict",
        `What was told first of ${file} of ${name} binds, and the upstream shows another integrity now: with its pin taken back nobody would have it. Where the first bytes are bad, block the release`,
      );
    const pin = await unpin(sql, wanted, { at: now(), reason, by });
    if (!pin) return null;
    const { blobs } = await removeStored(sql, repository, [{ package: name, file }]);
    const event: RepositoryEvent = {
      kind: "unpinned",
      package: name,
      file,
      message: `${by} took back the pin of ${file} of ${name}: ${reason}`,
      detail: { by, reason, ...pin, firstSeen: new Date(pin.firstSeen).toISOString() },
    };
    await events.store(sql, repository, event);
    await changes.note(sql, goneFile(repository, name, file));
    return { pin, blobs, event };
  });
  if (!done) throw notPinned(wanted, await listPinned(database.read, repository, name, HINTS));
  changes.announce(goneFile(repository, name, file));
  events.announce(repository, done.event);
  for (const { sha256 } of done.blobs) await naming.remove(sha256);
  return done.pin.sha256;
}

function notPinned({ repository, package: name, file }: Unpinning, others: string[]): Problem {
  const known = others.length ? ` (pinned are: ${others.join(", ")})` : "";
  return new Problem("notFound", `No pin of ${file} of ${name} in ${repository}${known}`);
}
