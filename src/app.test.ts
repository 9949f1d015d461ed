import { expect, test } from "bun:test";
import { createApp } from "./app.ts";
import type { Mounted } from "./cache/repository.ts";
import type { AuditEntry } from "./core/audit.ts";
import { createLog } from "./core/log.ts";
import { createMetrics } from "./core/metrics.ts";
import type { Problem } from "./core/problem.ts";
import { type Reply, reply } from "./core/reply.ts";
import type { UnboundRepository } from "./core/repository.ts";
import { bodyParts, grantOf } from "./core/testkit.ts";
import type { ServedRequest } from "./http/accesslog.ts";
import type { Incoming } from "./http/server.ts";
import { createSite } from "./web/site.ts";

const everybody = grantOf("", () => true);

function open(
  answer: () => Reply,
  grant = everybody,
  isPublic = true,
  behind: () => Promise<number> | null = () => null,
) {
  const audited: AuditEntry[] = [];
  const lines: string[] = [];
  const served: ServedRequest[] = [];
  const format = {
    parse: () => ({ kind: "any" }),
    access: () => ({ action: "read", package: null }),
    problem: ({ status }: Problem) => reply(status, "text/plain", "in the client's words"),
  };
  const mounted = {
    format,
    service: { serve: async () => answer() },
    repository: { name: "toy", for: () => null } as unknown as UnboundRepository,
  } as unknown as Mounted;
  const app = createApp({
    repositories: new Map([["toy", mounted]]),
    gate: { identify: () => grant },
    behind,
    refused: { note() {} },
    fetches: { note() {}, noteLocked() {} },
    audit: { note: (entry) => audited.push(entry) },
    isPublic: () => isPublic,
    site: createSite({
      repositories: [],
      api: {
        parse: () => null,
        serve: () => Promise.reject(),
        problem: () => reply(400, "", ""),
        call: () => Promise.reject(),
      },
      series: () => Promise.reject() as never,
      now: () => 0,
      people: {} as never, // nobody logs in here
      version: "0",
      metrics: createMetrics(),
      states: () => [],
      catalog: () => Promise.reject() as never,
      overview: async () => ({
        startedAt: 0,
        now: 0,
        repositories: new Map(),
        newest: [],
        events: [],
      }),
      trouble: () => null,
      explain: async () => [],
      gitHook: async () => reply(404, "text/plain", ""),
      witness: {
        verifier: "",
        addCheckpoint: async () => ({ status: 404, type: "text/plain", text: "" }),
        checkpoint: async () => null,
      },
      ledgerLog: {
        refresh: async () => {},
        cosigned: () => null,
        verifier: "",
        loss: async () => null,
        note: () => null,
        tile: async () => null,
      },
      ready: async () => null,
      whyNotProven: null,
    }),
    log: createLog("json", (line) => lines.push(line)),
    now: Date.now,
    accessLog: {
      record: (request) => served.push(request),
      alike: (request) => (id, durationMs, address) =>
        served.push({ ...request, id, durationMs, address }),
    },
  });
  return { app, lines, served, audited };
}

const incoming: Incoming = {
  method: "GET",
  path: "/toy/a",
  query: "",
  origin: "http://localhost",
  address: "127.0.0.1",
  client: "127.0.0.1:1",
  header: () => null,
  ...bodyParts(),
};

test("an answer that cannot be sent is a bug like any other: told, recorded, and nothing of it to the client", async () => {
  for (const broken of [
    reply(200, "text/plain", "x", { "x-name": "a\r\nset-cookie: b" }),
    { ...reply(200, "text/plain", Buffer.from("no gzip")), encoding: "gzip" as const },
  ]) {
    const { app, lines, served } = open(() => broken);
    const { response } = await app(incoming);
    expect([response.status, response.headers.get("set-cookie")]).toEqual([500, null]);
    expect(await response.text()).toStartWith("holdfast: Internal error");
    expect(lines.join()).toContain("A request failed because of a bug");
    expect(served.map(({ status }) => status)).toEqual([500]);
  }
});

test("a browser's question before a read is answered for repositories, and for reads alone", async () => {
  const { app } = open(() => reply(200, "text/plain", "x"));
  const asked = async (path: string, wanted: string) => {
    const headers: Record<string, string> = {
      origin: "https://pages.example.test",
      "access-control-request-method": wanted,
    };
    const header = (name: string) => headers[name] ?? null;
    const { response } = await app({ ...incoming, method: "OPTIONS", path, header });
    return [response.status, response.headers.get("access-control-allow-origin")];
  };
  expect(await asked("/toy/a", "GET")).toEqual([204, "*"]);
  expect((await asked("/toy/a", "PUT"))[1]).toBeNull();
  expect((await asked("/-/metrics", "GET"))[1]).toBeNull();
});

test("each request is recorded, those that repeat as well, with what differs", async () => {
  const shared: Reply = {
    ...reply(200, "text/plain", Buffer.from("four")),
    etag: "e",
    isShared: true,
    isCurrent: () => true,
  };
  const { app, served } = open(() => shared);
  const conditional = (name: string) => (name === "if-none-match" ? '"e"' : null);
  for (const change of [{}, {}, { header: conditional }, { address: "192.0.2.9" }])
    await app({ ...incoming, ...change });
  expect(served.map(({ status, bytes, address }) => [status, bytes, address])).toEqual([
    [200, 4, "127.0.0.1"],
    [200, 4, "127.0.0.1"],
    [304, 0, "127.0.0.1"],
    [200, 4, "192.0.2.9"],
  ]);
  expect(new Set(served.map(({ id }) => id)).size).toBe(4);
});

test("who was sent bytes of a private package is told to the audit log, also when the request repeats", async () => {
  const privateRead = { package: "@acme/app", purl: "pkg:npm/%40acme/app@1.0.0", digest: "d" };
  const shared: Reply = {
    ...reply(200, "text/plain", Buffer.from("four")),
    etag: "e",
    isShared: true,
    isCurrent: () => true,
    privateRead,
  };
  const ann = grantOf("ann", () => true);
  const { app, audited } = open(() => shared, ann);
  const conditional = (name: string) => (name === "if-none-match" ? '"e"' : null);
  for (const change of [{}, { address: "192.0.2.9" }, { header: conditional }, { method: "HEAD" }])
    await app({ ...incoming, ...change });
  const entry = {
    action: "read" as const,
    principal: ann.principal,
    repository: "toy",
    ...privateRead,
  };
  expect(audited).toEqual([
    { ...entry, address: "127.0.0.1" },
    { ...entry, address: "192.0.2.9" },
  ]);
});

test("what is not for everybody is marked so, and what else is true of a shared answer is followed", async () => {
  const body = Buffer.from("four");
  const shared: Reply = { ...reply(200, "text/plain", body), etag: "e", isShared: true };
  const control = "public, max-age=300";
  shared.headers["cache-control"] = control;
  const { app, audited } = open(
    () => shared,
    grantOf("ann", () => true),
    false,
  );
  const anew = { ...incoming, query: "x" }; // with a query none repeats
  const ask = async () => (await app(anew)).response.headers.get("cache-control");
  expect(await ask()).toBe("private, max-age=300");
  const privateRead = { package: "a", purl: "pkg:toy/a@1", digest: "d" };
  shared.privateRead = privateRead;
  shared.isCurrent = () => true;
  expect(await ask()).toBe("private, max-age=300");
  delete shared.privateRead;
  shared.isCurrent = () => false;
  expect(await ask()).toBe("private, max-age=300");
  expect(audited).toMatchObject([privateRead]);
  expect(shared.headers["cache-control"]).toBe(control);
});

test("nothing is answered until all is known that other servers changed; what waited for a server that was stopped changes nothing", async () => {
  const known = Promise.withResolvers<number>();
  const { app, served } = open(
    () => reply(200, "text/plain", "x"),
    everybody,
    true,
    () => known.promise,
  );
  const sent = app(incoming);
  await Bun.sleep(1);
  expect(served).toHaveLength(0);
  // A database that is slow is no reason to take all servers away.
  expect((await app({ ...incoming, path: "/-/health/live" })).response.status).toBe(200);
  known.resolve(2_999);
  const statuses = async (silentMs: number) => {
    const { app } = open(
      () => reply(200, "text/plain", "x"),
      everybody,
      true,
      async () => silentMs,
    );
    const all = ["GET", "HEAD", "PUT", "DELETE"].map((method) => app({ ...incoming, method }));
    return (await Promise.all(all)).map(({ response }) => response.status);
  };
  expect((await sent).response.status).toBe(200);
  expect(await statuses(2_999)).toEqual([200, 200, 200, 200]);
  expect(await statuses(3_000)).toEqual([200, 200, 503, 503]);
});
