// For tests: repositories made with the real git, and served from their folder or by git's own HTTP program.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface TestRepository {
  /** Its working folder. */
  readonly folder: string;
  /** file://… */
  readonly url: string;
  git(...args: string[]): string;
  /** Writes files (null removes one, a target after "-> " makes a link) and commits them; each commit a minute after the last. */
  commit(files: Readonly<Record<string, string | Buffer | null>>, message?: string): string;
  tag(name: string, commit?: string): void;
  remove(): void;
}

const START = Date.UTC(2024, 0, 2, 3, 4, 5) / 1000;

/** An empty repository with the branch `main`. `folder`: where it is to be; a folder of its own otherwise. */
export function makeRepository(folder?: string, options: string[] = []): TestRepository {
  const at = folder ?? mkdtempSync(join(tmpdir(), "holdfast-git-"));
  mkdirSync(at, { recursive: true });
  let commits = 0;
  const git = (...args: string[]): string => {
    const date = `${START + commits * 60} +0100`;
    const env = {
      PATH: process.env["PATH"]!,
      HOME: "/nonexistent",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "Ann",
      GIT_AUTHOR_EMAIL: "ann@example.com",
      GIT_COMMITTER_NAME: "Ann",
      GIT_COMMITTER_EMAIL: "ann@example.com",
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_DATE: date,
      GIT_ALLOW_PROTOCOL: "file",
    };
    return execFileSync("git", args, { cwd: at, env, stdio: ["ignore", "pipe", "pipe"] })
      .toString()
      .trim();
  };
  git("init", "--quiet", "--initial-branch=main", ...options);
  git("config", "uploadpack.allowAnySHA1InWant", "true");
  return {
    folder: at,
    url: `file://${at}`,
    git,
    commit(files, message = "A change") {
      for (const [name, content] of Object.entries(files)) {
        const path = join(at, name);
        mkdirSync(dirname(path), { recursive: true });
        rmSync(path, { force: true });
        if (typeof content === "string" && content.startsWith("-> "))
          symlinkSync(content.slice(3), path);
        else if (content !== null) writeFileSync(path, content);
      }
      commits += 1;
      git("add", "--all", "--force");
      git("-c", "core.autocrlf=false", "commit", "--quiet", "--allow-empty", "--message", message);
      return git("rev-parse", "HEAD");
    },
    tag(name, commit = "HEAD") {
      git("tag", "--force", name, commit);
    },
    remove: () => rmSync(at, { recursive: true, force: true }),
  };
}
