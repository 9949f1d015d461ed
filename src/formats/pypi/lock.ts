// requirements.txt where every version is pinned, with hashes or without. https://pip.pypa.io/en/stable/reference/requirements-file-format/
import {
  type Lock,
  type LockedRelease,
  type LockFormat,
  lockOf,
  wrongLock,
} from "../../core/lock.ts";
import { isName, normalizeName } from "./names.ts";

const NAME = "requirements.txt";
/** `name[extra]==1.0 ; marker`, also with brackets or spaces. */
const PINNED = /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*={2,3}\s*([A-Za-z0-9.!+_-]+)$/;

export const lock: LockFormat = {
  name: NAME,
  read(text) {
    const releases: LockedRelease[] = [];
    const elsewhere: Lock["elsewhere"] = [];
    for (const { line, at } of lines(text)) {
      if (
        /^(-i|--index-url|--extra-index-url|--trusted-host|--no-index|-f|--find-links|--pre|--prefer-binary|--require-hashes|--no-binary|--only-binary|--use-feature)\b/.test(
          line,
        )
      )
        continue;
      if (/^(-r|--requirement|-c|--constraint)\b/.test(line)) {
        elsewhere.push({ name: line, why: "it is another file: ask about that one by itself" });
        continue;
      }
      if (/^(-e|--editable)\b|^[./]|@\s*\w+:|^\w+(\+\w+)?:\/\//.test(line)) {
        elsewhere.push({ name: line.split(/\s/, 3).join(" "), why: "it comes from no index" });
        continue;
      }
      const sha256 = [...line.matchAll(/--hash[=\s]+sha256:([0-9a-fA-F]{64})\b/g)].map(([, hash]) =>
        hash!.toLowerCase(),
      );
      const wanted = line.replace(/\s+--(hash|config-settings|global-option)\b.*$/s, "");
      const [, name = "", version = ""] = PINNED.exec(wanted.split(";", 1)[0]!.trim()) ?? [];
      if (!isName(name) || version.includes("*"))
        throw wrongLock(
          NAME,
          `line ${at} pins no version (name==1.0): ${wanted.slice(0, 80)}. "pip freeze" or "pip-compile" writes one that does`,
        );
      releases.push({ package: normalizeName(name), version, files: [], sha256 });
    }
    return lockOf(releases, elsewhere);
  },
  documentPath: ({ package: project }) => `/simple/${project}/`,
  indexPath: (project) => `/simple/${project}/`,
  filePath: ({ package: project }, file) => `/files/${project}/${encodeURIComponent(file)}`,
  /** One wheel for all machines, or those for Linux with the source; metadata comes beside. */
  choose(files) {
    const pure = files.filter((file) => /-none-any\.whl$/.test(file));
    if (pure.length > 0) return pure;
    return files.filter((file) => /linux[\w.]*\.whl$|\.tar\.gz$|\.zip$/.test(file));
  },
};

/** Joined where they go on, without comments; `at` is the number of its first line. */
function* lines(text: string): Generator<{ line: string; at: number }> {
  let begun: { line: string; at: number } | null = null;
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const isComment = /^\s*#/.test(raw);
    const bare = isComment ? "" : raw.replace(/\s#.*$/, "");
    const goesOn: boolean = /\\\s*$/.test(bare);
    const part: string = bare.replace(/\\\s*$/, "").trim();
    begun = begun ? { line: `${begun.line} ${part}`, at: begun.at } : { line: part, at: index + 1 };
    if (goesOn) continue;
    if (begun.line.trim() !== "") yield { line: begun.line.trim(), at: begun.at };
    begun = null;
  }
  if (begun && begun.line.trim() !== "") yield { line: begun.line.trim(), at: begun.at };
}
