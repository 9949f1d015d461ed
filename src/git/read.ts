// Reading a mirror: commits, trees, files and archives. No network. What strangers named is checked before git hears of it.
import { Problem } from "../core/problem.ts";
import { humanSize } from "../core/size.ts";
import type { CodeSource, TreeEntry } from "../core/source.ts";
import { exactDirectory, mirrorDirectory } from "./mirror.ts";
import { isId } from "./refs.ts";
import { GitFailed, type Sandbox } from "./sandbox.ts";

/** See `CodeSource` for what the formats use of it as it is. */
export interface MirrorReader
  extends Pick<CodeSource, "expand" | "commit" | "tree" | "file" | "commitsWith" | "archive"> {
  /** Those of `commits` that are `commit` or come before it. */
  before(commit: string, commits: ReadonlySet<string>): Promise<ReadonlySet<string>>;
}

/** Bytes of an archive, and milliseconds that it may take to be written, with whoever reads it. */
const ARCHIVE = 2 * 1024 ** 3;
const ARCHIVE_MS = 10 * 60_000;
/** Of objects that are read together, and of a commit among them. */
const BATCH = 16 * 1024 * 1024;
const COMMIT = 64 * 1024;
/** A tree of some hundred thousand files. */
const TREE = 64 * 1024 * 1024;

interface Seen {
  type: string;
  size: number;
  id: string;
}

/** `place`: the folder of the mirror. */
export function readMirror(sandbox: Sandbox, place: string): MirrorReader {
  const gitDir = mirrorDirectory(place);
  const text = async (args: string[], outputLimit?: number) =>
    (await sandbox.run({ gitDir, args, ...(outputLimit && { outputLimit }) })).toString("utf8");

  /** Null where git says that there is no such thing. */
  async function unlessMissing<T>(call: () => Promise<T>): Promise<T | null> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof GitFailed) return null;
      throw error;
    }
  }

  function known(commit: string): string {
    if (!isId(commit)) throw new TypeError("Not a commit's id");
    return commit;
  }

  /** Type, size and id of each of these objects; null for what is not there. */
  async function look(objects: readonly string[]): Promise<(Seen | null)[]> {
    const args = ["cat-file", "--batch-check=%(objecttype) %(objectsize) %(objectname)"];
    const input = objects.map((what) => `${what}\n`).join("");
    const lines = (await sandbox.run({ gitDir, args, input })).toString("utf8").split("\n");
    return objects.map((_, at) => {
      const [type = "", size = "", id = ""] = (lines[at] ?? "").split(" ");
      return isId(id) && /^\d+$/.test(size) ? { type, size: Number(size), id } : null;
    });
  }

  /** Whole objects, in as few runs as their sizes allow. */
  async function bytesOf(objects: readonly Seen[]): Promise<Map<string, Buffer>> {
    const found = new Map<string, Buffer>();
    for (let at = 0; at < objects.length; ) {
      let bytes = 0;
      const some: Seen[] = [];
      while (at < objects.length && (some.length === 0 || bytes + objects[at]!.size <= BATCH)) {
        bytes += objects[at]!.size;
        some.push(objects[at]!);
        at += 1;
      }
      const input = some.map(({ id }) => `${id}\n`).join("");
      const said = await sandbox.run({ gitDir, args: ["cat-file", "--batch"], input });
      let from = 0;
      for (const { id, size } of some) {
        from = said.indexOf(10, from) + 1; // behind "<id> <type> <size>"
        found.set(id, said.subarray(from, from + size));
        from += size + 1;
      }
    }
    return found;
  }

  return {
    async commitsWith(ids, path, limit) {
      const isPath = isPlain(path);
      const asked = ids.flatMap((id) => [known(id), isPath ? `${id}:${path}` : id]);
      const seen = await look(asked);
      const isSmall = (one: Seen | null): one is Seen =>
        one !== null &&
        ((one.type === "commit" && one.size <= COMMIT) ||
          (one.type === "blob" && one.size <= limit));
      const bytes = await bytesOf(seen.filter(isSmall));
      return Promise.all(
        ids.map(async (id, at) => {
          const time = timeIn(bytes.get(id));
          const commit = time === null ? await this.commit(id) : { id, time };
          if (!commit) return null;
          const blob = isPath ? seen[2 * at + 1]! : null;
          if (blob?.type !== "blob") return { commit, file: null };
          return { commit, file: bytes.get(blob.id) ?? tooLarge(path, limit) };
        }),
      );
    },
    async expand(abbreviated) {
      if (!/^[0-9a-f]{7,64}$/.test(abbreviated)) return null;
      const args = [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        `${abbreviated}^{commit}`,
      ];
      const id = await unlessMissing(async () => (await text(args)).trim().split("\n").at(-1)!);
      // A branch may have a name of such digits.
      return id?.startsWith(abbreviated) && isId(id) ? id : null;
    },
    async commit(id) {
      if (!isId(id)) return null;
      // `git show` would look into its tree.
      const args = [
        "rev-list",
        "--max-count=1",
        "--format=%H %ct",
        "--end-of-options",
        `${id}^{commit}`,
      ];
      const said = (await unlessMissing(() => text(args))) ?? "";
      const [found, seconds] = said.trim().split("\n").at(-1)!.split(" ");
      if (found !== id || !/^-?\d+$/.test(seconds ?? "")) return null;
      return { id, time: Number(seconds) * 1000 };
    },
    async before(commit, commits) {
      const args = [
        "for-each-ref",
        "--format=%(objectname)",
        `--merged=${known(commit)}`,
        "refs/kept/",
      ];
      const all = (await text(args)).split("\n");
      return new Set(all.filter((id) => commits.has(id)));
    },
    async tree(commit, folder = "") {
      const args = ["ls-tree", "-r", "-l", "-z", "--full-tree", known(commit), "--"];
      if (folder !== "") args.push(folder);
      return readTree(await readable(commit, () => text(args, TREE)));
    },
    async file(commit, path, limit) {
      if (!isPlain(path)) return null;
      const [seen] = await look([`${known(commit)}:${path}`]);
      if (seen?.type !== "blob") return null;
      if (seen.size > limit) throw tooLarge(path, limit);
      return sandbox.run({ gitDir, args: ["cat-file", "blob", seen.id], outputLimit: limit + 1 });
    },
    async *archive(commit, { folder = "", exportIgnore }) {
      const config = { "core.autocrlf": "input", "core.eol": "lf", "tar.umask": "022" };
      const args = ["archive", "--format=tar", "--end-of-options", known(commit)];
      // Behind --end-of-options git takes "--" for a path.
      if (folder !== "") args.push(folder);
      try {
        yield* sandbox.stream({
          gitDir: exportIgnore ? gitDir : exactDirectory(place),
          args,
          config,
          environment: { GIT_LITERAL_PATHSPECS: "1" },
          timeoutMs: ARCHIVE_MS,
          outputLimit: ARCHIVE,
        });
      } catch (error) {
        throw unreadable(commit, error);
      }
    },
  };
}

async function readable<T>(commit: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw unreadable(commit, error);
  }
}

/** What git stops at is the code's own: names that climb, trees without end. */
function unreadable(commit: string, error: unknown): unknown {
  if (error instanceof Problem && error.kind === "tooLarge")
    return new Problem("tooLarge", `Commit ${commit} has too many files: ${error.message}`);
  if (!(error instanceof GitFailed)) return error;
  return new Problem("malformed", `git cannot read commit ${commit}: ${error.message}`);
}

/** git takes "./" for the folder that it works in, and reads a question to the end of its line. */
function isPlain(path: string): boolean {
  return !/[\0\n]|(^|\/)\.{0,2}(\/|$)/.test(path);
}

function tooLarge(path: string, limit: number): Problem {
  return new Problem("tooLarge", `${path} is larger than ${humanSize(limit)}`);
}

/** The committer's, of a commit as git stores it; null where it cannot be read so. */
function timeIn(commit: Buffer | undefined): number | null {
  if (!commit) return null;
  const text = commit.toString("latin1");
  const end = text.indexOf("\n\n");
  const found = /^committer .*> (\d{1,12}) [+-]\d{4}$/m.exec(end < 0 ? text : text.slice(0, end));
  return found ? Number(found[1]) * 1000 : null;
}

const TYPES: Record<string, TreeEntry["type"]> = {
  "100644": "file",
  "100664": "file",
  "100755": "executable",
  "120000": "link",
  "160000": "module",
};

/** The output of `git ls-tree -r -l -z`. */
export function readTree(text: string): TreeEntry[] {
  return text
    .split("\0")
    .filter(Boolean)
    .map((line) => {
      const tab = line.indexOf("\t");
      const [mode = "", , , size = ""] = line.slice(0, tab).split(/ +/);
      return { path: line.slice(tab + 1), type: TYPES[mode] ?? "file", size: Number(size) || 0 };
    });
}
