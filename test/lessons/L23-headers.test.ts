// L19, L23: headers carry no authority. Only a configured proxy is believed, from the right, and only under the exact names.
import { expect, test } from "bun:test";
import { createBodies } from "../../src/http/bodies.ts";
import { type Incoming, startServer } from "../../src/http/server.ts";
import { sendRaw } from "../support/raw.ts";

/** What the server makes of a request with these header lines. */
async function seen(trustedProxies: string[], lines: string[], publicUrl: string | null = null) {
  const requests: Incoming[] = [];
  const server = startServer({
    hostname: "127.0.0.1",
    port: 0,
    publicUrl,
    trustedProxies,
    bodies: createBodies({ memory: 1e6, silenceMs: 30_000, timeMs: 30_000 }),
    async handle(incoming) {
      requests.push(incoming);
      return { response: new Response("ok"), status: 200, bytes: 2 };
    },
  });
  try {
    const answer = await sendRaw(`http://127.0.0.1:${server.port}`, ["GET /x HTTP/1.1", ...lines]);
    const [incoming] = requests;
    return {
      status: answer.status,
      address: incoming?.address.replace(/^::ffff:/, ""),
      origin: incoming?.origin.replace(`:${server.port}`, ":PORT"),
    };
  } finally {
    await server.stop(0);
  }
}

const HOST = "host: packages.example.test";
const OWN = { address: "127.0.0.1", origin: "http://packages.example.test" };
const proxy = ["127.0.0.1", "10.0.0.0/8"];

const cases: [
  what: string,
  trusted: string[],
  lines: string[],
  want: { address: string; origin: string },
][] = [
  ["nobody is trusted by default", [], ["x-forwarded-for: 6.6.6.6"], OWN],
  [
    "nor for the scheme and the host",
    [],
    ["x-forwarded-proto: https", "x-forwarded-host: evil.example.test"],
    OWN,
  ],
  [
    "another peer is not trusted",
    ["192.0.2.1"],
    ["x-forwarded-for: 6.6.6.6", "x-forwarded-proto: https", "x-forwarded-host: evil.example.test"],
    OWN,
  ],
  [
    "a trusted proxy's last word counts",
    proxy,
    ["x-forwarded-for: 6.6.6.6, 1.2.3.4"],
    { ...OWN, address: "1.2.3.4" },
  ],
  [
    "trusted hops are walked from the right",
    proxy,
    ["x-forwarded-for: 6.6.6.6, 1.2.3.4, 10.1.1.1, 10.2.2.2"],
    { ...OWN, address: "1.2.3.4" },
  ],
  [
    "two header lines are one list, in order",
    proxy,
    ["x-forwarded-for: 6.6.6.6", "x-forwarded-for: 1.2.3.4"],
    { ...OWN, address: "1.2.3.4" },
  ],
  [
    "underscores are other names",
    proxy,
    ["X_Forwarded_For: 6.6.6.6", "x_forwarded_host: evil"],
    OWN,
  ],
  [
    "an underscore does not shadow the real one",
    proxy,
    ["x_forwarded_for: 6.6.6.6", "x-forwarded-for: 1.2.3.4", "X_FORWARDED_FOR: 6.6.6.6"],
    { ...OWN, address: "1.2.3.4" },
  ],
  [
    "other names of the same claim count for nothing",
    proxy,
    [
      "x-real-ip: 6.6.6.6",
      "forwarded: for=6.6.6.6;host=evil.example.test",
      "client-ip: 6.6.6.6",
      "x-remote-user: admin",
      "x-client-verify: SUCCESS",
      "x-original-host: evil.example.test",
    ],
    OWN,
  ],
  [
    "two hosts of a proxy are none",
    proxy,
    ["x-forwarded-host: a.example.test", "x-forwarded-host: evil.example.test"],
    { ...OWN, origin: "http://127.0.0.1:PORT" },
  ],
  [
    "what is no host is none",
    proxy,
    ["x-forwarded-host: evil.example.test/path?"],
    { ...OWN, origin: "http://127.0.0.1:PORT" },
  ],
  ["what is no scheme is none", proxy, ["x-forwarded-proto: javascript"], OWN],
  [
    "a proxy that is believed",
    proxy,
    ["x-forwarded-proto: https", "x-forwarded-host: p.example.test", "x-forwarded-for: 1.2.3.4"],
    { address: "1.2.3.4", origin: "https://p.example.test" },
  ],
];

for (const [what, trusted, lines, want] of cases)
  test(what, async () => {
    expect(await seen(trusted, [HOST, ...lines])).toMatchObject({ status: 200, ...want });
  });

test("two Host lines are refused, or neither is chosen by the client", async () => {
  const { status, origin } = await seen([], [HOST, "host: evil.example.test"]);
  expect([400, 200]).toContain(status);
  if (status === 200) expect(origin).not.toContain("evil");
});

test("publicUrl wins over every header", async () => {
  const lines = ["host: evil.example.test", "x-forwarded-host: evil.example.test"];
  const { origin } = await seen(proxy, lines, "https://packages.example.test");
  expect(origin).toBe("https://packages.example.test");
});
