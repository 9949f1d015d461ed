// Several servers on one PostgreSQL and the same files: what is changed at one is so at all, whatever their clocks say.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { SQL } from "bun";
import { haveHeard } from "../support/catalog.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import { placeIn, postgresPrograms, startPostgres } from "../support/postgres.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

if (process.env["HOLDFAST_TEST_POSTGRES"]) define();

function define(): void {
  let upstream: Awaited<ReturnType<typeof startUpstream>>;
  let a: TestServer;
  let b: TestServer;
  beforeEach(async () => {
    upstream = await startUpstream();
    const options = {
      isShared: true,
      claims: { npm: ["*-own"] },
      freshness: "2m",
      server: {
        trustedProxies: ["127.0.0.1"],
        policy: [{ name: "incident", packages: ["pkg:npm/clownfish"], block: "steals tokens" }],
      },
    };
    a = await startServer(upstream, options);
    b = await startServer(upstream, { ...options, beside: a });
    b.advance(60_000); // its clock is ahead
  });
  afterEach(async () => {
    await b.stop();
    await a.stop();
    await upstream.stop();
  });

  const ask = (server: TestServer, path: string, token?: string, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, {
      ...init,
      ...(token && { headers: { authorization: `Bearer ${token}` } }),
    });
  const status = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).status;

  async function tokenOf(user: string, at = a): Promise<string> {
    await at.account("user add", { name: user, password: "correct horse battery" });
    await at.account("grant add", { holder: `user:${user}`, actions: ["read", "publish"] });
    const lines = await at.account("token create", {
      user,
      name: "ci",
      scope: { actions: null, repositories: null, packages: null },
    });
    return lines.join("\n").match(/hf_\w+/)![0];
  }
  const publish = (server: TestServer, token: string, name: string, version = "1.0.0") =>
    status(server, `/npm/${name}`, token, {
      method: "PUT",
      body: npmPublication(name, version).body as BodyInit,
    });

  async function versionsAt(server: TestServer, token: string, name = "ours-own") {
    const shown = await (await ask(server, `/npm/${name}`, token)).json();
    return Object.keys(shown.versions);
  }

  /** Freshness is written behind the answer: a write of the server's own comes after it. */
  const settledOn = (server: TestServer) =>
    server.account("team add", { name: `t${Math.random().toString(36).slice(2)}` });

  test("a package published at one is installed from the other at once, also where it was just missing or older, and what is taken back is gone", async () => {
    const token = await tokenOf("ann");
    expect(await status(b, "/npm/ours-own", token)).toBe(404);
    expect(await publish(a, token, "ours-own")).toBe(201);
    expect(await versionsAt(b, token)).toEqual(["1.0.0"]);
    expect(await status(b, "/npm/ours-own/-/ours-own-1.0.0.tgz", token)).toBe(200);
    expect(await publish(b, token, "ours-own", "2.0.0")).toBe(201);
    expect(await versionsAt(a, token)).toEqual(["1.0.0", "2.0.0"]);
    await a.account("grant add", { holder: "user:ann", actions: ["unpublish"] });
    const { _rev, ...document } = await (await ask(b, "/npm/ours-own?write=true", token)).json();
    delete document.versions["1.0.0"];
    const unpublished = await status(a, `/npm/ours-own/-rev/${_rev}`, token, {
      method: "PUT",
      body: JSON.stringify(document),
    });
    expect(unpublished).toBe(201);
    expect(await versionsAt(b, token)).toEqual(["2.0.0"]);
    expect(await status(b, "/npm/ours-own/-/ours-own-1.0.0.tgz", token)).toBe(404);
  });

  test("who may do what is the same at both, as soon as it is said at one", async () => {
    const whoami = (server: TestServer, token: string) => status(server, "/npm/-/whoami", token);
    expect(await status(b, "/npm/kelp")).toBe(200); // nobody can be anybody yet
    const token = await tokenOf("ann");
    expect(await whoami(b, token)).toBe(200);
    const listed = await a.account("token list", { user: "ann" });
    const id = listed.join("\n").match(/[0-9a-f]{8}-[0-9a-f-]{27}/)![0];
    await a.account("token revoke", { id });
    expect(await whoami(b, token)).toBe(401);

    const other = await tokenOf("bob", b);
    expect(await publish(a, other, "bobs-own")).toBe(201);
    const grants = await a.account("grant list", {});
    const grant = grants.find((line) => line.includes("user:bob"))!;
    await a.account("grant remove", { id: grant.match(/grant ([0-9a-f]{8})/)![1] });
    expect(await publish(b, other, "bobs-own", "2.0.0")).toBe(403);
    await b.account("user remove", { name: "bob", force: true });
    expect(await whoami(a, other)).toBe(401);
  });

  test("a token that is revoked while nobody is called is refused at the other within a second or so", async () => {
    const { host, port, database, user } = a.place!;
    const path = `${host}/.s.PGSQL.${port}`;
    const psql = new SQL({ adapter: "postgres", path, database, username: user, max: 1 });
    const faults = [
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'",
      "ALTER TABLE changes DISABLE TRIGGER USER",
    ];
    for (const [nth, fault] of faults.entries()) {
      const token = await tokenOf(`user${nth}`);
      expect(await status(b, "/npm/-/whoami", token)).toBe(200);
      const listed = await a.account("token list", { user: `user${nth}` });
      const id = listed.join("\n").match(/[0-9a-f]{8}-[0-9a-f-]{27}/)![0];
      await psql.unsafe(fault);
      await a.account("token revoke", { id });
      await waitFor(
        async () => (await status(b, "/npm/-/whoami", token)) === 401,
        () => `the token is believed after: ${fault}`,
        60_000,
      );
    }
    await psql.close();
  });

  test("a waiver that is made at one counts at the other, until it is taken back there", async () => {
    const path = "/npm/clownfish/-/clownfish-0.3.0.tgz";
    for (const server of [a, b]) expect(await status(server, path)).toBe(403);
    const values = { purl: "pkg:npm/clownfish@0.3.0", reason: "a test", by: "the test" };
    const { lines } = await a.operate("waiver add", "", values);
    for (const server of [a, b]) expect(await status(server, path)).toBe(200);
    const id = lines.join("\n").match(/[0-9a-f]{8}-[0-9a-f-]{27}/)![0];
    expect(await b.operate("waiver remove", "", { id, by: "the test" })).toMatchObject({
      isDone: true,
    });
    for (const server of [a, b]) expect(await status(server, path)).toBe(403);
  });

  test("what one has fetched the other serves, and a document that one has refreshed is no question of the other's, whatever their clocks say", async () => {
    const asked = () => upstream.requests.filter(({ target }) => target.startsWith("/npm/kelp"));
    for (const server of [a, b]) expect(await status(server, "/npm/kelp")).toBe(200);
    expect(await status(a, "/npm/kelp/-/kelp-1.0.0.tgz")).toBe(200);
    expect(await status(b, "/npm/kelp/-/kelp-1.0.0.tgz")).toBe(200);
    expect(asked()).toHaveLength(2);
    for (const [first, second] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const server of [a, b]) server.advance(10 * 60_000);
      const before = asked().length;
      expect(await status(first, "/npm/kelp")).toBe(200);
      await settledOn(first);
      expect(await status(second, "/npm/kelp")).toBe(200);
      expect(asked()).toHaveLength(before + 1);
    }
    upstream.npm.publish({ name: "kelp", version: "9.0.0" });
    for (const server of [a, b]) server.advance(10 * 60_000);
    expect(await versionsAt(a, "", "kelp")).toContain("9.0.0");
    expect(await versionsAt(b, "", "kelp")).toContain("9.0.0");
  });

  test("a file that is taken out at one is no longer remembered by the other", async () => {
    const path = "/npm/kelp/-/kelp-1.0.0.tgz";
    for (const server of [a, b]) expect(await status(server, path)).toBe(200);
    const values = {
      repository: "npm",
      package: "kelp",
      file: "kelp-1.0.0.tgz",
      reason: "a test",
      by: "the test",
    };
    expect(await a.operate("unpin", "", values)).toMatchObject({ isDone: true });
    upstream.fault(/kelp-1/, "status", 404);
    await waitFor(
      async () => (await status(b, path)) === 404,
      () => "the other server goes on serving it",
      60_000,
    );
  });

  test("a client that comes to both within one update is given one release of a suite, also while another takes its place", async () => {
    const text = async (server: TestServer, client: string, path: string) => {
      const init = { headers: { "x-forwarded-for": client } };
      return (await fetch(`${server.url}/plain/dists/stable/${path}`, init)).text();
    };
    const [one, other] = ["192.0.2.1", "192.0.2.2"];
    const packages = "main/binary-amd64/Packages";
    const before = await text(a, one, "InRelease");
    expect(await text(b, one, packages)).not.toContain("newcomer");
    await upstream.apt.archive("plain").publish("stable", { name: "newcomer", version: "1" });
    for (const server of [a, b]) server.advance(3 * 60_000);
    expect(await text(a, other, "InRelease")).not.toBe(before);
    expect(await text(b, other, packages)).toContain("newcomer");
    // It began with the release of before, at the other one.
    expect(await text(b, one, packages)).not.toContain("newcomer");
    expect(await text(b, one, "InRelease")).not.toBe(before);
    expect(await text(a, one, packages)).toContain("newcomer");
  });

  test("while the database is away what is public is served by both, and nobody is believed who may have been refused elsewhere", async () => {
    const postgres = await startPostgres(postgresPrograms()!);
    const server = { database: `postgres://holdfast@/postgres?host=${postgres.folder}` };
    const first = await startServer(upstream, { isShared: true, server });
    const second = await startServer(upstream, { beside: first, server });
    const token = await tokenOf("ann", first);
    for (const one of [first, second]) {
      expect(await status(one, "/npm/kelp")).toBe(200);
      expect(await status(one, "/npm/-/whoami", token)).toBe(200);
    }
    // What one stored the other reads once more when it hears of it.
    await waitFor(
      () => haveHeard(placeIn(postgres.folder)),
      () => "something is not heard of",
      20_000,
    );
    for (const one of [first, second]) expect(await status(one, "/npm/kelp")).toBe(200);
    await postgres.kill();
    for (const one of [first, second])
      await waitFor(
        async () => (await status(one, "/npm/-/whoami", token)) === 503,
        () => "a caller is believed whom nobody can ask about",
        60_000,
      );
    for (const one of [first, second]) {
      expect(await status(one, "/npm/kelp")).toBe(200);
      expect(await status(one, "/-/health/ready")).toBe(503);
      expect(await status(one, "/-/health/live")).toBe(200);
    }
    await postgres.revive();
    for (const one of [first, second])
      await waitFor(
        async () => (await status(one, "/npm/-/whoami", token)) === 200,
        () => "it does not come back",
        60_000,
      );
    await first.account("user remove", { name: "ann", force: true });
    await waitFor(
      async () => (await status(second, "/npm/-/whoami", token)) === 401,
      () => "nothing is heard any more",
      60_000,
    );
    await second.stop();
    await first.stop();
    await postgres.stop();
  }, 120_000);
}
