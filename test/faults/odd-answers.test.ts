// Answers of an upstream that are answers to something else: pages, parts, other codings, statuses that nobody expects. In every format none of them is the
// thing, none is "not found", none is a bug, and what is stored outlives them.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Answered, ask, askAll, EVERY_FORMAT } from "../support/every-format.ts";
import {
  type FakeUpstream,
  type FaultKind,
  startUpstream,
} from "../support/fake-upstream/index.ts";
import { startServer, type TestServer } from "../support/server.ts";

let upstream: FakeUpstream;
let right: Answered[];
beforeAll(async () => {
  upstream = await startUpstream();
  const server = await startServer(upstream);
  right = await askAll(server.url, EVERY_FORMAT);
  await server.stop();
  expect(right.map(([, status]) => status)).toEqual(EVERY_FORMAT.map(() => 200));
});
afterAll(() => upstream.stop());

const odd: [kind: FaultKind, argument?: string | number][] = [
  ...[201, 204, 206, 226, 300, 304, 305, 400, 401, 402, 403, 405, 406, 407, 418].map(
    (status) => ["status", status] as [FaultKind, number],
  ),
  ...[429, 431, 451, 500, 501, 505, 508, 511, 520, 599].map(
    (status) => ["status", status] as [FaultKind, number],
  ),
  ["login"],
  ["empty"],
  ["part"],
  ["cut"],
  ["coding", "br"],
  ["coding", "zstd"],
  ["coding", "deflate"],
  ["coding", "gzip, gzip"],
  ["coding", "aes128gcm"],
  ["redirect", "http://169.254.169.254/latest/meta-data/"],
  ["redirect", "not a url://"],
];

/** Of a module without a version that has a tag: what a proxy says is that. */
const MAY_BE_EMPTY = "/go/example.test/anchor/@v/list";

const bugs = ({ log }: TestServer) => log.filter((line) => /because of a bug|"stack"/.test(line));

for (const [kind, argument] of odd) {
  const title = `${kind}${argument === undefined ? "" : ` ${argument}`}`;
  test(`${title} in place of what nobody has here is neither the thing nor "not found"`, async () => {
    const server = await startServer(upstream);
    upstream.fault("*", kind, argument);
    try {
      for (const [at, path] of EVERY_FORMAT.entries()) {
        if (kind === "empty" && path === MAY_BE_EMPTY) continue;
        const [, status, sha256] = await ask(server.url, path);
        if (status === 200) expect([path, sha256]).toEqual([path, right[at]![2]]);
        else
          expect([path, [403, 424].includes(status) ? "cannot be had" : status]).toEqual([
            path,
            "cannot be had",
          ]);
      }
      expect(bugs(server)).toEqual([]);
    } finally {
      upstream.clear();
      await server.stop();
    }
  });
}

test("what is stored outlives all of them", async () => {
  const server = await startServer(upstream, { freshness: "0s" });
  try {
    expect(await askAll(server.url, EVERY_FORMAT)).toEqual(right);
    for (const [kind, argument] of odd) {
      upstream.fault("*", kind, argument);
      server.advance(60_000);
      expect([kind, argument, await askAll(server.url, EVERY_FORMAT)]).toEqual([
        kind,
        argument,
        right,
      ]);
      upstream.clear();
    }
    expect(bugs(server)).toEqual([]);
  } finally {
    upstream.clear();
    await server.stop();
  }
});
