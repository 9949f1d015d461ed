// What an attack on publishing and accounts found, each once more: bounds on what came and not on what is said, and rights that count to the end.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { publishDocument } from "../src/formats/npm/testdata/tarball.ts";
import { makeAccounts } from "./support/accounts.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";

let upstream: FakeUpstream;
let server: TestServer;
let ann: string;
let ben: string;

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream, { claims: { npm: ["@reef/*"] } });
  [ann, ben] = (await makeAccounts(server, [
    { user: "ann", actions: ["admin"], password: "correct horse" },
    { user: "ben", actions: ["publish"], package: "@reef/*" },
  ])) as [string, string];
  await server.restart();
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});

const ask = (method: string, path: string, token: string, body?: unknown) =>
  fetch(`${server.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
const publish = (name: string, body: unknown, token = ann) =>
  ask("PUT", `/npm/${name.replace("/", "%2f")}`, token, body);

test("a document of many small members is refused early, and nobody waits for it", async () => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 0]));
  const entries = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, {}]));
  for (const body of [
    { name: "@reef/many", ...many(20_000) },
    {
      name: "@reef/many",
      _attachments: Object.fromEntries(
        Array.from({ length: 20_000 }, (_, at) => [`k${at}`, { a: 1 }]),
      ),
    },
    { name: "@reef/many", versions: entries(200_000) },
    { name: "@reef/many", a: "x".repeat(10_000_000), b: "x".repeat(10_000_000), c: "x" },
  ]) {
    const answer = await publish("@reef/many", body);
    expect([413, 403]).toContain(answer.status);
  }
}, 30_000);

test("what carries no tarball where there should be one is no publication", async () => {
  expect((await publish("@reef/none", publishDocument({ name: "@reef/none" }))).status).toBe(201);
  for (const attachments of [
    { "a.txt": { data: "AAAA" } },
    { "": { data: "" } },
    [1],
    1,
    { "x.tar.gz": { data: "AAAA" } },
  ]) {
    const document = {
      ...publishDocument({ name: "@reef/none", version: "9.9.9" }),
      _attachments: attachments,
    };
    expect([attachments, (await publish("@reef/none", document)).status]).toEqual([
      attachments,
      400,
    ]);
  }
  expect((await ask("GET", "/npm/@reef%2fnone/9.9.9", ann)).status).toBe(404);
});

test("a version that nests as deep as it may leaves the package readable, and one that nests deeper is not taken", async () => {
  const nests = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels));
  const statuses: number[] = [];
  for (const [version, levels] of [
    ["1.0.0", 99],
    ["1.0.1", 100],
    ["1.0.2", 511],
  ] as const) {
    const wish = { name: "@reef/deep", version, more: { x: nests(levels) }, told: { x: 1 } };
    statuses.push((await publish("@reef/deep", publishDocument(wish))).status);
  }
  expect(statuses).toEqual([201, 400, 400]);
  expect((await ask("GET", "/npm/@reef%2fdeep", ann)).status).toBe(200);
});

test("names that are patterns, or others in another case, begin no package", async () => {
  for (const name of ["*", "a*", "@reef/*x", "@REEF/ui", "UI", "a!"])
    expect([name, (await publish(name, publishDocument({ name }))).status]).toEqual([name, 400]);
});

test("a token that cannot be, is not made; one that ends makes none that does not", async () => {
  for (const wrong of [
    { expires: 1e9 },
    { expires: 1e300 },
    { cidr_whitelist: ["foo"] },
    { cidr_whitelist: ["1.2.3.4/99"] },
  ])
    expect([
      wrong,
      (await ask("POST", "/npm/-/npm/v1/tokens", ann, { name: "x", ...wrong })).status,
    ]).toEqual([wrong, 400]);
  expect((await ask("GET", "/npm/-/npm/v1/tokens", ann)).status).toBe(200);
  for (const bound of [{ expires: 1 }, { cidr_whitelist: ["127.0.0.1"] }]) {
    const { token } = (await (
      await ask("POST", "/npm/-/npm/v1/tokens", ann, { name: "bound", ...bound })
    ).json()) as { token: string };
    expect((await ask("POST", "/npm/-/npm/v1/tokens", token, { name: "wider" })).status).toBe(403);
    expect((await ask("POST", "/-/api/v1/users/ben/tokens", token, { name: "wider" })).status).toBe(
      403,
    );
  }
});

test("an upload is published by who may do so when it is whole, and by nobody else", async () => {
  const document = JSON.stringify(publishDocument({ name: "@reef/slow" }));
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  let answer = "";
  const ended = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  const answered = new Promise<void>((resolve) =>
    socket.on("data", (data) => {
      answer += data;
      resolve();
    }),
  );
  socket.write(
    `PUT /npm/@reef%2fslow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ben}\r\nContent-Length: ${document.length}\r\n\r\n${document.slice(0, 400)}`,
  );
  // The door was passed when the server reads on.
  await Bun.sleep(300);
  expect((await ask("DELETE", `/npm/-/user/token/${ben}`, ben)).status).toBe(200);
  socket.write(document.slice(400));
  await answered;
  socket.destroy();
  await ended;
  expect(answer).toStartWith("HTTP/1.1 401");
  expect((await ask("GET", "/npm/@reef%2fslow", ann)).status).toBe(404);
}, 30_000);

test("owners change together or not at all", async () => {
  expect((await publish("@reef/owned", publishDocument({ name: "@reef/owned" }))).status).toBe(201);
  const { _rev } = (await (await ask("GET", "/npm/@reef%2fowned", ann)).json()) as { _rev: string };
  const maintainers = ["ann", "ben", "ghost"].map((name) => ({ name, email: "" }));
  expect(
    (await ask("PUT", `/npm/@reef%2fowned/-rev/${_rev}`, ann, { _rev, maintainers })).status,
  ).toBe(404);
  const grants = await (await ask("GET", "/npm/-/package/@reef%2fowned/collaborators", ann)).json();
  expect(grants).toEqual({ ben: "write" }); // by the pattern, as before
});

test("what was meant as a secret stands in no log, also in the wrong place", async () => {
  await ask("GET", `/npm/${ann}`, ann);
  await fetch(`${server.url}/npm/kelp`, {
    headers: { authorization: `Basic ${btoa(`${ann}:nothing`)}` },
  });
  expect(server.log.join("\n")).not.toContain(ann);
  expect(server.log.join("\n")).not.toContain(ann.toLowerCase());
});
