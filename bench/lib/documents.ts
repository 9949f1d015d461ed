// The documents that are measured, and the proof that an answer is the whole of one.
import { gunzipSync } from "node:zlib";
import type { FormatName } from "../peers/types.ts";
import { releasePath } from "../upstream/apt-tree.ts";
import { manyVersions } from "../upstream/composer-tree.ts";
import { synthetic } from "../upstream/synthetic.ts";
import { type Ask, ask } from "./http.ts";
import { Problem } from "./refuse.ts";

export interface DocumentCase {
  name: string;
  format: FormatName;
  /** Below the client's URL. */
  path: string;
  headers: Record<string, string>;
  /** How many versions, files or bytes it tells of. */
  count(body: string): number;
}

const GZIP = { "accept-encoding": "gzip" };
const FULL = { ...GZIP, accept: "application/json" };
const ABBREVIATED = {
  ...GZIP,
  accept: "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*",
};
const versions = (body: string) =>
  Object.keys((JSON.parse(body) as { versions: object }).versions).length;

const npmDocument = (name: string, path: string, headers = FULL): DocumentCase => ({
  name,
  format: "npm",
  path,
  headers,
  count: versions,
});

export const smallPackument = npmDocument("packument 20 kB", synthetic.small.name);
export const largePackument = npmDocument("packument 6 MB", synthetic.large.name);
export const abbreviatedPackument = npmDocument(
  "6 MB, abbreviated",
  synthetic.large.name,
  ABBREVIATED,
);
export const parallelPackument = npmDocument("packument 15 MB", synthetic.parallel.name);
export const hugePackument = npmDocument("packument 105 MB", synthetic.huge.name);
export const projectPage: DocumentCase = {
  name: "simple page (HTML)",
  format: "pypi",
  path: "numpy/",
  headers: { ...GZIP, accept: "text/html" },
  count: (body) => body.split("<a ").length - 1,
};
export const goMod: DocumentCase = {
  name: "go .mod",
  format: "go",
  path: "k8s.io/client-go/@v/v0.37.2.mod",
  headers: GZIP,
  count: (body) => body.length,
};

export const inRelease: DocumentCase = {
  name: "InRelease 150 kB",
  format: "apt",
  path: releasePath,
  headers: {},
  count: (body) => body.split("\n").filter((line) => line.startsWith(" ")).length,
};
export const composerPackage: DocumentCase = {
  name: "p2 document",
  format: "composer",
  path: `p2/${manyVersions.name}.json`,
  headers: GZIP,
  count: (body) => body.split('"reference"').length - 1,
};

/** Fetches one document and proves it: 200, whole, and telling of (nearly) as much as `expected`. Returns its bytes as sent. */
export async function verifyDocument(
  url: string,
  { headers, count }: DocumentCase,
  expected?: number,
  options: Ask = {},
): Promise<{ count: number; sent: Buffer; plain: Buffer; gzip: boolean; total: number }> {
  const answer = await ask(url, { ...options, headers, keepBody: true });
  if (answer.status !== 200) throw new Problem(`${url} answered ${answer.status}`);
  const gzip = answer.headers["content-encoding"] === "gzip";
  const plain = gzip ? gunzipSync(answer.body) : answer.body;
  const found = count(plain.toString());
  // nora leaves a few kinds of files out of a project page.
  if (found === 0 || (expected !== undefined && found < expected * 0.95))
    throw new Problem(`${url} tells of ${found} entries instead of ${expected}`);
  return { count: found, sent: answer.body, plain, gzip, total: answer.total };
}
