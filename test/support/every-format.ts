// What clients of each format ask the fake upstream for, and how their answers are told apart.
import { createHash } from "node:crypto";

/** Documents and files, of each format. */
export const EVERY_FORMAT: readonly string[] = [
  "/npm/kelp",
  "/npm/kelp/-/kelp-2.0.0.tgz",
  "/pypi/simple/coral-reef/",
  "/pypi/files/coral-reef/coral_reef-3.0-py3-none-any.whl",
  "/go/example.test/anchor/@v/list",
  "/go/example.test/anchor/@v/v1.1.0.zip",
  "/composer/p2/reef/coral.json",
  "/debian/dists/stable/InRelease",
  "/debian/dists/stable/main/binary-amd64/Packages.xz",
];

/** Path, status, and the digest of the body as if all servers were at one address. */
export type Answered = [path: string, status: number, sha256: string];

/** `url`: of a server, without a trailing slash. */
export async function ask(
  url: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const response = await fetch(url + path, { headers: { accept: "*/*", ...headers } });
  const body = Buffer.from(await response.arrayBuffer()).toString("latin1");
  const plain = body.replaceAll(url, "http://HERE");
  return [path, response.status, createHash("sha256").update(plain, "latin1").digest("hex")];
}

export async function askAll(url: string, paths: readonly string[]): Promise<Answered[]> {
  const answers: Answered[] = [];
  for (const path of paths) answers.push(await ask(url, path));
  return answers;
}
