// Reading a mirror: commits, trees, files and archives. No network. What strangers named is checked before git hears of it.
import { Problem } from "../core/problem.ts";
import { humanSize } from "../core/size.ts";
import type { CodeSource, TreeEntry } from "../core/source.ts";
import { exactDirectory, mirrorDirectory } from "./mirror.ts";
import { isId } from "./refs.ts";
import { GitFailed, type Sandbox } from "./sandbox.ts";

/** See `CodeSource` for what the formats use of it as it is. */
export interface MirrorReader
  extends Pick<CodeSource, "expand" | "commit" | "tree" | "file" | "archive"> {
  /** Those of `commits` that are `commit` or come before it. */
  before(commit: string, commits: ReadonlySet<string>): Promise<ReadonlySet<string>>;
}

/** Bytes of an archive, and milliseconds that it may take to be written, with whoever reads it. */
const ARCHIVE = 2 * 1024 ** 3;
const ARCHIVE_MS = 10 * 60_000;
/** A tree of a million files. */
const TREE = 256 * 1024 * 1024;

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

  return {
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
      const args = [
        "show",
        "--no-patch",
        "--no-notes",
        "--format=%H %ct",
        "--end-of-options",
        `${id}^{commit}`,
      ];
      const [found, seconds] = ((await unlessMissing(() => text(args))) ?? "").trim().split(" ");
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
      return readTree(await text(args, TREE));
    },
    async file(commit, path, limit) {
      // git takes "./" for the folder that it works in, and reads a question to the end of its line.
      if (/[\0\n]|(^|\/)\.{0,2}(\/|$)/.test(path)) return null;
      const what = `${known(commit)}:${path}`;
      const check = await sandbox.run({
        gitDir,
        args: ["cat-file", "--batch-check=%(objecttype) %(objectsize) %(objectname)"],
        input: `${what}\n`,
      });
      const [type, size = "", id = ""] = check.toString("utf8").trim().split(" ");
      if (type !== "blob" || !isId(id)) return null;
      if (Number(size) > limit)
        throw new Problem("tooLarge", `${path} is larger than ${humanSize(limit)}`);
      return sandbox.run({ gitDir, args: ["cat-file", "blob", id], outputLimit: limit + 1 });
    },
    archive(commit, { folder = "", exportIgnore }) {
      const config = { "core.autocrlf": "input", "core.eol": "lf", "tar.umask": "022" };
      const args = ["archive", "--format=tar", "--end-of-options", known(commit)];
      // Behind --end-of-options git takes "--" for a path.
      if (folder !== "") args.push(folder);
      return sandbox.stream({
        gitDir: exportIgnore ? gitDir : exactDirectory(place),
        args,
        config,
        environment: { GIT_LITERAL_PATHSPECS: "1" },
        timeoutMs: ARCHIVE_MS,
        outputLimit: ARCHIVE,
      });
    },
  };
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
