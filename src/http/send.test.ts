import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { parseRange } from "../core/range.ts";
import type { Reply } from "../core/reply.ts";
import { send } from "./send.ts";

const TEXT = "hello, holdfast";

function ask(headers: Record<string, string>, method = "GET") {
  return { method, header: (name: string) => headers[name] ?? null };
}

function view(): Reply {
  return {
    status: 200,
    headers: { "content-type": "text/plain", vary: "accept" },
    body: gzipSync(TEXT),
    encoding: "gzip",
    etag: "abc",
    cache: { hit: true },
  };
}

const never = () => expect.unreachable();

test("send() sends stored gzip as it is to clients that take it", async () => {
  const { response } = send(view(), ask({ "accept-encoding": "gzip, deflate" }), "npm", never);
  expect(Object.fromEntries(response.headers)).toEqual({
    "content-type": "text/plain",
    vary: "accept, accept-encoding",
    etag: '"abc-gzip"',
    "content-encoding": "gzip",
    "cache-status": "npm; hit",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "Accept-Ranges, Age, Cache-Status, Content-Range, ETag",
  });
});

const decoded: [accept: string | undefined, encoding: string | null][] = [
  [undefined, null],
  ["identity", null],
  ["gzip;q=0", null],
  ["br", "br"],
  ["zstd, br", "zstd"],
  ["deflate, gzip;q=0.5", "gzip"],
  ["*", "gzip"],
];
for (const [accept, encoding] of decoded)
  test(`send() answers Accept-Encoding ${accept} with ${encoding}`, () => {
    const { response } = send(
      view(),
      ask(accept === undefined ? {} : { "accept-encoding": accept }),
      "npm",
      never,
    );
    expect(response.headers.get("content-encoding")).toBe(encoding);
  });

for (const tag of ['"abc"', '"abc-gzip"', 'W/"abc-gzip"', '"x", "abc"', "*"])
  test(`send() answers If-None-Match ${tag} with 304 and no body`, async () => {
    const { response } = send(
      view(),
      ask({ "if-none-match": tag, "accept-encoding": "gzip" }),
      "npm",
      never,
    );
    expect([response.status, await response.text()]).toEqual([304, ""]);
  });

const ranges: [header: string, want: ReturnType<typeof parseRange>][] = [
  ["bytes=0-3", [0, 3]],
  ["bytes=5-", [5, 9]],
  ["bytes=-3", [7, 9]],
  ["bytes=-30", [0, 9]],
  ["bytes=8-30", [8, 9]],
  ["bytes=10-", null],
  ["bytes=-0", null],
  ["bytes=3-1", "ignored"],
  ["bytes=0-1,3-4", "ignored"],
  ["items=0-1", "ignored"],
  ["bytes=-", "ignored"],
];
for (const [header, want] of ranges)
  test(`parseRange(${header}) of 10`, () => expect(parseRange(header, 10)).toEqual(want));

test("send() cuts a range and honours If-Range", async () => {
  const artifact: Reply = {
    status: 200,
    headers: {},
    body: Buffer.from("0123456789"),
    etag: "e",
    ranges: true,
  };
  const part = send(artifact, ask({ range: "bytes=2-4", "if-range": '"e"' }), null, never).response;
  expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
    206,
    "bytes 2-4/10",
    "234",
  ]);
  const other = send(
    artifact,
    ask({ range: "bytes=2-4", "if-range": '"old"' }),
    null,
    never,
  ).response;
  expect([other.status, await other.text()]).toEqual([200, "0123456789"]);
  const beyond = send(artifact, ask({ range: "bytes=90-" }), null, never).response;
  expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */10"]);
});

const changed = Date.UTC(2026, 10, 23, 12, 0, 7, 900);
const dates: [headers: Record<string, string>, status: number][] = [
  [{}, 200],
  [{ "if-modified-since": "Mon, 23 Nov 2026 12:00:06 GMT" }, 200],
  [{ "if-modified-since": "Mon, 23 Nov 2026 12:00:07 GMT" }, 304],
  [{ "if-modified-since": "Tue, 24 Nov 2026 00:00:00 GMT" }, 304],
  [{ "if-modified-since": "yesterday" }, 200],
  // RFC 9110 §13.1.3: the entity tag goes before the date.
  [{ "if-modified-since": "Mon, 23 Nov 2026 12:00:07 GMT", "if-none-match": '"other"' }, 200],
  [{ "if-modified-since": "Mon, 23 Nov 2026 12:00:06 GMT", "if-none-match": '"abc"' }, 304],
];
for (const isShared of [false, true])
  for (const [headers, status] of dates)
    test(`send() answers ${JSON.stringify(headers)} with ${status}, shared: ${isShared}`, () => {
      const reply: Reply = { ...view(), lastModified: changed, ...(isShared && { isShared }) };
      send(reply, ask({ "accept-encoding": "gzip" }), "php", never); // prepares a shared one
      const { response } = send(
        reply,
        ask({ "accept-encoding": "gzip", ...headers }),
        "php",
        never,
      );
      expect(response.status).toBe(status);
      expect(response.headers.get("last-modified")).toBe("Mon, 23 Nov 2026 12:00:07 GMT");
      if (status === 304) expect(response.body).toBeNull();
    });

test("send() sends the rest of a file only when it is still the one of If-Range's date", async () => {
  const reply: Reply = {
    status: 200,
    headers: {},
    body: Buffer.from(TEXT),
    ranges: true,
    lastModified: changed,
  };
  for (const [date, status] of [
    ["Mon, 23 Nov 2026 12:00:07 GMT", 206],
    ["Mon, 23 Nov 2026 12:00:06 GMT", 200],
  ] as const) {
    const { response } = send(reply, ask({ range: "bytes=7-", "if-range": date }), "apt", never);
    expect(response.status).toBe(status);
    expect(await response.text()).toBe(status === 206 ? "holdfast" : TEXT);
  }
});
