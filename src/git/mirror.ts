// The mirror of one repository of a code host: bare, fetched as a whole, and never rid of a commit that a tag once named.
//
//   data/git/
//     home/                what git takes for a home: empty
//     <sha256 of the URL>/
//       mirror/            the bare repository; refs/kept/<commit> holds what tags named when they were first seen
//       coming/            the first copy, while it comes
//       exact/             the same objects, with attributes that have archives leave nothing out
//       listing            a hash of what the code host said of its refs when all of them were had
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cannotAsk, Problem } from "../core/problem.ts";
import { shortageOf } from "../core/shortage.ts";
import type { Reach } from "./address.ts";
import { packRefs } from "./packed.ts";
import { isId, type Listing, readRef, type SeenRef } from "./refs.ts";
import { GitFailed, type Sandbox } from "./sandbox.ts";
import { watchSize } from "./size.ts";

export interface MirrorBounds {
  /** Bytes on the disk. */
  size: number;
  refs: number;
  /** Milliseconds of one fetch. */
  fetchMs: number;
}

export const mirrorBounds: MirrorBounds = {
  size: 4 * 1024 ** 3,
  refs: 50_000,
  fetchMs: 30 * 60_000,
};

export interface Fetched {
  /** A hash of all that the code host says of its refs. */
  listing: string;
  refs: SeenRef[];
  head: string | null;
  /** Refs that cannot be used, with why. */
  skipped: { what: string; why: string }[];
}

/** Bytes that a ref takes in a listing, at most: its name, two ids for a tag. */
const LINE = 512;

export function mirrorDirectory(folder: string): string {
  return join(folder, "mirror");
}

export function exactDirectory(folder: string): string {
  return join(folder, "exact");
}

/** Where the first copy is until it is whole. */
function comingDirectory(folder: string): string {
  return join(folder, "coming");
}

const MIRROR_ATTRIBUTES = "* -export-subst\n";
const EXACT_ATTRIBUTES = "* -export-subst -export-ignore\n";
const LATE = { timeoutMs: 10 * 60_000, endsWithUs: true };

/** Branches and tags, as `fetching` has them, but with all refs in one file. */
function cloning(url: string, place: string): string[] {
  const quiet = ["--quiet", "--bare", "--template=", "--reject-shallow"];
  return ["clone", ...quiet, "--end-of-options", url, place];
}

function fetching(url: string): string[] {
  const refspecs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
  const quiet = ["--quiet", "--force", "--prune", "--no-tags", "--no-write-fetch-head"];
  return ["fetch", ...quiet, "--no-auto-gc", "--end-of-options", url, ...refspecs];
}

/** Asks the code host, and has what is new. Null when `last` is what it says still. Throws Problems: what was had before is as it was. */
export async function fetchMirror(
  sandbox: Sandbox,
  { folder, url, last }: { folder: string; url: string; last: string | null },
  { config, environment }: Reach,
  bounds: MirrorBounds,
  signal?: AbortSignal,
): Promise<Fetched | null> {
  const gitDir = mirrorDirectory(folder);
  const ask = { config, environment, endsWithUs: true, ...(signal && { signal }) };
  const said = await list();
  const had = await lastListing(folder);
  if (said.digest === last && had === last) return null;
  if (said.digest !== had) await bring(said);
  const { refs, skipped } = await readRefs(sandbox, gitDir);
  return { listing: said.digest, refs, head: said.head, skipped };

  async function bring({ digest, objectFormat }: Listing): Promise<void> {
    const isFirst = !existsSync(gitDir);
    await prepare(sandbox, folder, objectFormat);
    const place = isFirst ? comingDirectory(folder) : gitDir;
    const growing = watchSize(place, url, bounds.size);
    try {
      const both = signal ? AbortSignal.any([signal, growing.signal]) : growing.signal;
      const call = { ...ask, timeoutMs: bounds.fetchMs, signal: both };
      await sandbox.run(
        isFirst
          ? { ...call, gitDir: null, args: cloning(url, place) }
          : { ...call, gitDir, args: fetching(url) },
      );
      await growing.check();
    } catch (error) {
      if (isFirst) await rm(place, { recursive: true, force: true });
      else await sweep(gitDir);
      throw growing.problem() ?? failed(error, url);
    } finally {
      growing.end();
    }
    if (isFirst) {
      await writeAttributes(place, MIRROR_ATTRIBUTES);
      await rename(place, gitDir);
    }
    await sandbox.run({ gitDir, args: ["pack-refs", "--all"], ...LATE });
    await keep(sandbox, gitDir, (await readRefs(sandbox, gitDir)).refs);
    await tidy(sandbox, gitDir);
    await writeFile(join(folder, "listing"), digest);
  }

  async function list(): Promise<Listing> {
    const args = [
      "ls-remote",
      "--symref",
      "--quiet",
      "--end-of-options",
      url,
      "HEAD",
      "refs/heads/*",
      "refs/tags/*",
    ];
    const outputLimit = bounds.refs * LINE;
    let text: string;
    try {
      text = (await sandbox.run({ ...ask, gitDir: null, args, outputLimit })).toString("utf8");
    } catch (error) {
      throw error instanceof Problem && error.kind === "tooLarge"
        ? tooMany(url, bounds.refs)
        : failed(error, url);
    }
    const listing = readListing(text);
    if (listing.count > bounds.refs) throw tooMany(url, bounds.refs);
    return listing;
  }
}

function tooMany(url: string, most: number): Problem {
  return new Problem(
    "tooLarge",
    `${url} has more than ${most} branches and tags: it is not mirrored`,
  );
}

export function readListing(text: string): Listing {
  let head: string | null = null;
  let count = 0;
  let length = 40;
  for (const line of text.split("\n")) {
    const [value = "", name = ""] = line.split("\t");
    if (name === "HEAD" && value.startsWith("ref: refs/heads/")) head = value.slice(16);
    if (!isId(value)) continue;
    length = value.length;
    if (name.startsWith("refs/") && !name.endsWith("^{}")) count += 1;
  }
  const ref = head === null ? null : readRef(`refs/heads/${head}`);
  return {
    head: ref?.name ?? null,
    digest: createHash("sha256").update(text).digest("hex"),
    objectFormat: length === 64 ? "sha256" : "sha1",
    count,
  };
}

/** What the code host said when all of it was had; null where that is not known. */
export async function lastListing(folder: string): Promise<string | null> {
  if (!existsSync(mirrorDirectory(folder))) return null;
  return readFile(join(folder, "listing"), "utf8").catch(() => null);
}

/** Makes what is missing, and removes what a process that was killed left behind. Nobody else is at work in the folder. */
async function prepare(sandbox: Sandbox, folder: string, objectFormat: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rm(comingDirectory(folder), { recursive: true, force: true });
  await rm(join(folder, "listing"), { force: true });
  await sweep(mirrorDirectory(folder));
  const exact = exactDirectory(folder);
  if (existsSync(join(exact, "info", "attributes"))) return;
  await rm(exact, { recursive: true, force: true });
  const args = ["init", "--quiet", "--bare", "--template=", `--object-format=${objectFormat}`];
  await sandbox.run({ gitDir: null, args: [...args, exact] });
  await writeFile(join(exact, "objects", "info", "alternates"), "../../mirror/objects\n");
  await writeAttributes(exact, EXACT_ATTRIBUTES);
}

async function writeAttributes(gitDir: string, attributes: string): Promise<void> {
  await mkdir(join(gitDir, "info"), { recursive: true });
  await writeFile(join(gitDir, "info", "attributes"), attributes);
}

/** What a git that was killed leaves behind: half a pack, and locks that would keep the next one out. */
async function sweep(gitDir: string): Promise<void> {
  for (const place of ["", "objects/pack", "objects/info"])
    for (const name of await readdir(join(gitDir, place)).catch(() => []))
      if (/\.lock$|^\.?tmp[-_]/.test(name))
        await rm(join(gitDir, place, name), { recursive: true, force: true });
  for (const name of await readdir(join(gitDir, "refs"), { recursive: true }).catch(() => []))
    if (name.endsWith(".lock")) await rm(join(gitDir, "refs", name), { force: true });
}

/** Tags and branches that lead to a commit. */
async function readRefs(
  sandbox: Sandbox,
  gitDir: string,
): Promise<Pick<Fetched, "refs" | "skipped">> {
  const listed = await sandbox.run({
    gitDir,
    args: ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/", "refs/tags/"],
  });
  const skipped: Fetched["skipped"] = [];
  const found: (Pick<SeenRef, "kind" | "name"> & { id: string })[] = [];
  for (const line of listed.toString("utf8").split("\n").filter(Boolean)) {
    const [id = "", ref = ""] = [
      line.slice(0, line.indexOf(" ")),
      line.slice(line.indexOf(" ") + 1),
    ];
    const read = readRef(ref);
    if (read) found.push({ ...read, id });
    else skipped.push({ what: ref.slice(0, 100), why: "its name cannot be used" });
  }
  const input = found.map(({ id }) => `${id}^{commit}\n`).join("");
  const args = ["cat-file", "--batch-check=%(objectname) %(objecttype)"];
  const answers = (await sandbox.run({ gitDir, args, input })).toString("utf8").split("\n");
  const refs: SeenRef[] = [];
  for (const [at, { kind, name }] of found.entries()) {
    const [commit = "", type] = (answers[at] ?? "").split(" ");
    if (type === "commit" && isId(commit)) refs.push({ kind, name, commit });
    else skipped.push({ what: `${kind} ${name}`, why: "it leads to no commit" });
  }
  return { refs, skipped };
}

/** So that nothing that a tag names is ever lost, wherever the tag goes. */
async function keep(sandbox: Sandbox, gitDir: string, refs: readonly SeenRef[]): Promise<void> {
  const commits = new Set(refs.filter(({ kind }) => kind === "tag").map(({ commit }) => commit));
  const kept = await sandbox.run({
    gitDir,
    args: ["for-each-ref", "--format=%(objectname)", "refs/kept/"],
  });
  for (const commit of kept.toString("utf8").split("\n")) commits.delete(commit);
  if (commits.size > 0)
    await packRefs(gitDir, new Map([...commits].map((commit) => [`refs/kept/${commit}`, commit])));
}

/** Few packs where there were many. Loses nothing. */
async function tidy(sandbox: Sandbox, gitDir: string): Promise<void> {
  const config = { "gc.auto": "6700", "gc.autoPackLimit": "50" };
  // A mirror that is not tidied is a mirror.
  await sandbox
    .run({ gitDir, args: ["gc", "--auto", "--quiet"], config, ...LATE })
    .catch((error) => {
      if (!(error instanceof GitFailed) && !cannotAsk(error)) throw error;
    });
}

const NOT_THERE =
  /repository .*not found|does not appear to be a git repository|repository not found|project you were looking for could not be found|The requested URL returned error: 404/i;
const REFUSED =
  /authentication failed|could not read (username|password)|permission denied|returned error: 40[13]|access denied/i;
/** What git says of its own disk, and the system's code for it; not what the other end says of theirs. */
const OWN_DISK: readonly [said: RegExp, code: string][] = [
  [/no space left on device/i, "ENOSPC"],
  [/disk quota exceeded/i, "EDQUOT"],
  [/read-only file system/i, "EROFS"],
  [/input\/output error/i, "EIO"],
  [/^(error|fatal): .*'(?!\w+:\/\/)[^']*': permission denied$/im, "EACCES"],
  [/^fatal: not a git repository/im, "ENOTDIR"],
];
const OTHER_HOST = /host key verification failed/i;

/** What a call that asks the code host ended in, as a Problem. */
export function failed(error: unknown, url: string): unknown {
  if (!(error instanceof GitFailed)) {
    if (!(error instanceof Problem)) return error;
    return new Problem(error.kind, `${url}: ${error.message}`, { cause: error });
  }
  const { message } = error;
  const own = message.replace(/^remote: .*$/gm, "");
  const [, code] = OWN_DISK.find(([said]) => said.test(own)) ?? [];
  if (code) return shortageOf(Object.assign(error, { code }));
  if (NOT_THERE.test(message))
    return new Problem("notFound", `The code host has no repository ${url}: ${message}`, {
      rule: "sources",
    });
  if (OTHER_HOST.test(message))
    return new Problem(
      "refused",
      `The code host of ${url} shows another host key than those of hostKeyFile: it is another host, or it has a new key, which then belongs into that file (${message})`,
      { rule: "sources" },
    );
  if (REFUSED.test(message))
    return new Problem("refused", `The code host refuses ${url}: ${message}`, { rule: "sources" });
  return new Problem("unreachable", `The code host cannot be asked for ${url}: ${message}`, {
    rule: "sources",
  });
}
