// `holdfast apt accept`: lets in what a held release changes under the same names, after a person looked at it.
import type { Operation, OperationCall } from "../../core/operation.ts";
import { Problem } from "../../core/problem.ts";
import type { ChangedFile } from "./compare.ts";
import { type Current, currentRelease, knownSuites } from "./generations.ts";
import { digestsOf, type Held, heldKey } from "./held.ts";
import type { AptRepository } from "./memory.ts";
import type { AptOptions } from "./options.ts";
import { dateText } from "./release.ts";
import { addReplacements } from "./replaced.ts";

export const acceptOperation: Operation<AptOptions> = {
  name: "apt accept",
  summary: "Let in a release that was held because it changes packages under the same version",
  details: `Shows what the held release of each suite changes, accepts exactly those bytes, and takes the release into service. Do so when you know why
the vendor published other bytes under the same name. Files that were stored before stay stored, and their pins stay.`,
  flags: { "dry-run": "Only show what is held" },
};

export async function accept(repository: AptRepository, call: OperationCall): Promise<boolean> {
  let isAny = false;
  let isWell = true;
  for (const suite of [...(await knownSuites(repository))].sort()) {
    const held = await heldOf(repository, suite);
    if (!held || call.signal.aborted) continue;
    isAny = true;
    show(suite, held, call);
    if (call.flags.has("dry-run")) continue;
    isWell = (await letIn(repository, suite, held, call)) && isWell;
  }
  if (!isAny) call.say(`${repository.name}: no release is held`);
  return isWell && !call.signal.aborted;
}

/** What is held of a suite; null when nothing is. */
export async function heldOf(repository: AptRepository, suite: string): Promise<Held | null> {
  const kept = await repository.kept(heldKey(suite));
  return kept?.bytes.length ? JSON.parse(Buffer.from(kept.bytes).toString()) : null;
}

function show(suite: string, { date, changed, total }: Held, { say }: OperationCall): void {
  const files = `${total.toLocaleString("en-US")} file${total === 1 ? "" : "s"}`;
  say(`${suite}: the release of ${dateText(date)} changes ${files} under the same name`);
  for (const file of changed) say(`  ${lineOf(file)}`);
  const more = total - changed.length;
  if (more > 0) say(`  … and ${more.toLocaleString("en-US")} more`);
}

function lineOf({ path, package: name, version, before, after }: ChangedFile): string {
  return `${path}: ${`${name} ${version}`.trim()}: ${short(before.at(-1))} → ${short(after.at(-1))}`;
}

/** Enough of a digest to compare it with what a vendor says. */
function short(digest = ""): string {
  const [, algorithm = "", rest = ""] = /^([a-z0-9]+-)?(.*)$/.exec(digest) ?? [];
  return algorithm + rest.slice(0, 16);
}

/** A release that changes very many files is held once for each thousand of them: that is no reason to ask the person again. */
async function letIn(
  repository: AptRepository,
  suite: string,
  first: Held,
  { say, signal }: OperationCall,
): Promise<boolean> {
  let held: Held | null = first;
  let current: Current | null = null;
  let count = 0;
  let before = "";
  let away: string | null = null;
  while (held && held.date === first.date && !signal.aborted) {
    const now = JSON.stringify(held.changed);
    if (now === before) break;
    before = now;
    // Exactly these bytes: what changes once more is held again.
    await addReplacements(repository, digestsOf(held.changed));
    count += held.changed.length;
    try {
      current = await currentRelease(repository, suite, "now");
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      away = error.message;
      break;
    }
    held = await heldOf(repository, suite);
    const { detail } = current.cache;
    if (held && detail !== "tampered") away = detail ?? "no answer";
  }
  const accepted = `${suite}: accepted ${count.toLocaleString("en-US")}`;
  if (away !== null) {
    const when = "it comes into service when it can be";
    say(`${accepted}; the upstream could not be asked for the release now (${away}): ${when}`);
    return false;
  }
  if (!current) return false;
  const inService = `the release of ${dateText(current.generation.release.date)} is in service`;
  if (held)
    say(`${accepted}, and the upstream's is refused still: ${inService}; the events tell why`);
  else say(`${accepted}; ${inService}`);
  return !held;
}
