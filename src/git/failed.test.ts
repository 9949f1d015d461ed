// What git says in the end, and whose trouble it is: the code host's, or that of the disk that its mirror is on.
import { expect, test } from "bun:test";
import { Problem } from "../core/problem.ts";
import { failed } from "./mirror.ts";
import { GitFailed } from "./sandbox.ts";

const URL = "https://code.example.test/reef/coral";

const said: [text: string, kind: string][] = [
  ["fatal: unable to write loose object file: No space left on device", "full"],
  ["error: cannot open 'FETCH_HEAD': Read-only file system", "unusable"],
  ["error: cannot open 'FETCH_HEAD': Permission denied", "unusable"],
  ["fatal: Unable to create '/data/git/0a/shallow.lock': Permission denied", "unusable"],
  ["error: copy-fd: write returned: Input/output error", "unusable"],
  ["fatal: not a git repository (or any of the parent directories): .git", "unusable"],
  ["fatal: write error: Disk quota exceeded", "full"],
  [
    "remote: fatal: write error: No space left on device\nfatal: the remote end hung up",
    "unreachable",
  ],
  ["git@code.example.test: Permission denied (publickey).\nfatal: Could not read", "refused"],
  [`fatal: unable to access '${URL}/': The requested URL returned error: 403`, "refused"],
  ["fatal: repository not found", "notFound"],
  ["fatal: unable to access 'x': Could not resolve host: code.example.test", "unreachable"],
];
for (const [text, kind] of said)
  test(`${text.split("\n")[0]} is told as ${kind}`, () => {
    const problem = failed(new GitFailed(128, text), URL);
    expect(problem).toBeInstanceOf(Problem);
    expect((problem as Problem).kind).toBe(kind as Problem["kind"]);
    expect((problem as Problem).message.includes("code host")).toBe(
      !["full", "unusable"].includes(kind),
    );
  });
