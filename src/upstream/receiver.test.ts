import { afterEach, expect, test } from "bun:test";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import { connectReceiver, type Receiver, type ReceiverSettings } from "./receiver.ts";
import { closeAll, http, listen, makeCertificate, opened, serve } from "./testkit.ts";
import { createUpstreamMetrics } from "./upstreams.ts";

const lines: string[] = [];
let open: Receiver[] = [];
afterEach(() => {
  for (const one of open) one.close();
  open = [];
  closeAll();
});

function receiver(
  url: string,
  settings: Partial<ReceiverSettings> = {},
  offline = false,
): Receiver {
  const one = connectReceiver(
    { timeoutMs: 10_000, ...settings, url },
    {
      log: createLog("json", (line) => void lines.push(line)),
      metrics: createUpstreamMetrics(createMetrics()),
      repository: "-",
      now: () => performance.now(),
      offline,
    },
  );
  open.push(one);
  return one;
}

const post = (url: string, settings?: Partial<ReceiverSettings>) =>
  receiver(url, settings).post('{"a":1}', { "webhook-id": "msg_1" });
const portOf = (url: string) => new URL(url).host;

test("what is posted arrives as it is, with its headers and the query of the address", async () => {
  const server = opened(await serve(() => http(204)));
  expect(await post(`${server.url}/hook?key=s3cret`)).toEqual({ isTold: true });
  const [head] = server.heads;
  expect(head).toStartWith("POST /hook?key=s3cret HTTP/1.1\r\n");
  expect(head?.toLowerCase()).toContain("webhook-id: msg_1");
  expect(head).toEndWith('\r\n\r\n{"a":1}');
});

const answers: [status: number, headers: Record<string, string>, outcome: object][] = [
  [200, {}, { isTold: true }],
  [202, {}, { isTold: true }],
  [400, {}, { isTold: false, why: "answered 400" }],
  [404, {}, { isTold: false, why: "answered 404" }],
  [410, {}, { isTold: false, why: "answered 410: it is gone", isFinal: true }],
  [500, {}, { isTold: false, why: "answered 500" }],
  [429, { "retry-after": "7" }, { isTold: false, why: "answered 429", waitMs: 7_000 }],
  [503, { "retry-after": "60" }, { isTold: false, why: "answered 503", waitMs: 60_000 }],
];
for (const [status, headers, outcome] of answers)
  test(`${status} is ${JSON.stringify(outcome)}`, async () => {
    const server = opened(await serve(() => http(status, "x", headers)));
    const told = await post(`${server.url}/`);
    const why = "why" in told ? { why: told.why.replace(`${portOf(server.url)}: `, "") } : {};
    expect({ ...told, ...why }).toEqual(outcome as never);
    expect(server.heads).toHaveLength(1);
  });

for (const status of [301, 302, 303, 307, 308])
  test(`a redirect (${status}) is followed nowhere: what is told belongs to one address`, async () => {
    const server = opened(await serve(() => http(status, "", { location: "/elsewhere" })));
    const outcome = await post(`${server.url}/s3cret`);
    expect(outcome).toMatchObject({ isTold: false });
    expect(JSON.stringify(outcome)).toContain("leads elsewhere");
    expect(JSON.stringify(outcome)).not.toContain("s3cret");
    expect(server.heads).toHaveLength(1);
  });

test("one that says nothing, or only a little, is given up after its time", async () => {
  const silent = opened(await listen(() => {}));
  const late = { isTold: false, why: expect.stringMatching(/silent|did not answer within/) };
  expect(await post(`${silent.url}/`, { timeoutMs: 60 })).toMatchObject(late);
  const drips = opened(
    await listen((socket) => {
      socket.write("HTTP/1.1 200 X\r\n");
      const drip = setInterval(() => socket.write("x-a: b\r\n"), 10);
      socket.on("close", () => clearInterval(drip));
    }),
  );
  expect(await post(`${drips.url}/`, { timeoutMs: 100 })).toMatchObject(late);
});

test("a long answer is not read to its end, and one that is cut behind its head is an answer all the same", async () => {
  const long = opened(
    await listen((socket) => {
      socket.write("HTTP/1.1 200 X\r\ncontent-length: 100000000\r\n\r\nbegin");
    }),
  );
  expect(await post(`${long.url}/`)).toEqual({ isTold: true });
  const cut = opened(
    await listen((socket) => void socket.end("HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\nab")),
  );
  expect(await post(`${cut.url}/`)).toEqual({ isTold: true });
  const early = opened(await listen((socket) => void socket.destroy()));
  expect(await post(`${early.url}/`)).toMatchObject({ isTold: false });
});

test("nobody there: said, and not tried again before a while, without its path in any word", async () => {
  const server = await serve(() => http(200));
  server.stop();
  const one = receiver(`${server.url}/s3cret`);
  const outcome = await one.post("{}", {});
  expect(outcome).toMatchObject({ isTold: false });
  expect(one.unavailable()).toBe("unreachable");
  expect(JSON.stringify([outcome, lines])).not.toContain("s3cret");
});

test("over TLS the receiver's certificate counts, by an authority of the hook's own", async () => {
  const certificate = makeCertificate();
  const server = opened(await serve(() => http(200), certificate));
  expect(await post(`${server.url}/`, { ca: certificate.ca })).toEqual({ isTold: true });
  expect(await post(`${server.url}/`)).toMatchObject({ isTold: false });
  expect(server.heads).toHaveLength(1);
});

test("a server that is offline tells nobody", async () => {
  const server = opened(await serve(() => http(200)));
  const one = receiver(`${server.url}/s3cret`, {}, true);
  expect(one.unavailable()).toBe("offline");
  const outcome = await one.post("{}", {});
  expect(outcome).toMatchObject({ isTold: false });
  expect(JSON.stringify(outcome)).not.toContain("s3cret");
  expect(server.connections()).toBe(0);
});
