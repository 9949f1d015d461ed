// Several servers on one PostgreSQL and the same files: what is changed at one is so at all, whatever their clocks say.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import { startServer, type TestServer } from "../support/server.ts";

if (process.env["HOLDFAST_TEST_POSTGRES"]) define();

function define(): void {
  let upstream: Awaited<ReturnType<typeof startUpstream>>;
  let a: TestServer;
  let b: TestServer;
  beforeEach(async () => {
    upstream = await startUpstream();
    const options = { isShared: true, claims: { npm: ["*-own"] } };
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

  test("a package published at one is installed from the other at once, also where it was just missing or older", async () => {
    const token = await tokenOf("ann");
    expect(await status(b, "/npm/ours-own", token)).toBe(404);
    expect(await publish(a, token, "ours-own")).toBe(201);
    expect(await status(b, "/npm/ours-own", token)).toBe(200);
    expect(await status(b, "/npm/ours-own/-/ours-own-1.0.0.tgz", token)).toBe(200);
    expect(await publish(b, token, "ours-own", "2.0.0")).toBe(201);
    const shown = await (await ask(a, "/npm/ours-own", token)).json();
    expect(Object.keys(shown.versions)).toEqual(["1.0.0", "2.0.0"]);
  });
}
