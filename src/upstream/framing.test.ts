import { afterEach, expect, test } from "bun:test";
import { closeAll, failure, listen, opened, setUp, text } from "./testkit.ts";

afterEach(closeAll);

/** Answers with these bytes and then ends the connection; `cut` ends it with a reset. */
const sends = async (bytes: string, end: "end" | "cut" | "stay" = "end") =>
  opened(
    await listen((socket) => {
      socket.write(bytes, () => {
        if (end === "end") socket.end();
        else if (end === "cut") setImmediate(() => socket.resetAndDestroy());
      });
    }),
  );

const CLOSE = "HTTP/1.1 200 OK\r\nconnection: close\r\n";
const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n";

const answers: [what: string, bytes: string, isDelimited: boolean, length: string | null][] = [
  ["a content-length", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", true, "5"],
  ["a last chunk", `${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`, true, null],
  ["the end of an HTTP/1.1 connection", `${CLOSE}\r\nhello`, false, null],
  ["the end of an HTTP/1.0 connection", "HTTP/1.0 200 OK\r\n\r\nhello", false, null],
  ["HTTP/1.0 with a length", "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", true, "5"],
  ["a coding that is not chunked", `${CLOSE}transfer-encoding: identity\r\n\r\nhello`, false, null],
  ["a length said twice", `${CLOSE}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`, true, "5"],
  [
    "chunks beside a length",
    `${CHUNKED}content-length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    true,
    null,
  ],
  [
    "chunks beside a larger one",
    `${CHUNKED}content-length: 9\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    true,
    null,
  ],
];
for (const [what, bytes, isDelimited, length] of answers)
  test(`an end told by ${what} is ${isDelimited ? "" : "not "}proven`, async () => {
    const server = await sends(bytes);
    const response = await setUp({ url: server.url }).upstream.fetch({ path: "a" });
    expect(response.isDelimited).toBe(isDelimited);
    expect(response.headers.get("content-length")).toBe(length);
    expect(await text(response)).toBe("hello");
  });

test("the end of a body of nothing is proven by a length of 0, not by the end of the connection", async () => {
  for (const [bytes, isDelimited] of [
    ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true],
    [`${CLOSE}\r\n`, false],
  ] as const) {
    const server = await sends(bytes);
    const response = await setUp({ url: server.url }).upstream.fetch({ path: "a" });
    expect(response.isDelimited).toBe(isDelimited);
    expect(await text(response)).toBe("");
  }
});

for (const [what, head] of [
  ["HEAD", "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"],
  ["304", "HTTP/1.1 304 X\r\ncontent-length: 9\r\n\r\n"],
  ["204", "HTTP/1.1 204 X\r\n\r\n"],
] as const)
  test(`the end of a ${what} is proven: it has no body`, async () => {
    const server = await sends(head);
    const { upstream } = setUp({ url: server.url });
    const method = what === "HEAD" ? "HEAD" : "GET";
    const response = await upstream.fetch({ path: "a", method });
    expect(response.isDelimited).toBe(true);
    expect(await text(response)).toBe("");
  });

const cuts: [what: string, bytes: string][] = [
  ["a length", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"],
  ["a length of HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 9\r\n\r\nhello"],
  ["chunks, between two", `${CHUNKED}\r\n5\r\nhello\r\n`],
  ["chunks, within one", `${CHUNKED}\r\n9\r\nhello`],
  ["chunks, in the last one's size", `${CHUNKED}\r\n5\r\nhello\r\n0`],
  ["chunks, before the first", `${CHUNKED}\r\n`],
];
for (const end of ["end", "cut"] as const)
  for (const [what, bytes] of cuts)
    test(`cut short of ${what} (${end}): never taken for whole`, async () => {
      const server = await sends(bytes, end);
      expect(await failure(setUp({ url: server.url }).upstream, { path: "a" })).toMatch(
        /: (the answer ended after \d+( of 9)? bytes|closed the connection before it answered)$/,
      );
    });

test("more than content-length is cut, and belongs to no later answer", async () => {
  const server = opened(
    await listen((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n");
    }),
  );
  const { upstream } = setUp({ url: server.url });
  for (let at = 0; at < 3; at++)
    expect(await text(await upstream.fetch({ path: "a" }))).toBe("hello");
});
