// A checksum database's no, told by who also serves the module: nothing that it lets in is believed for good.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { startServer, type TestServer } from "../support/server.ts";

const ZIP = "/go/example.test/anchor/@v/v1.1.0.zip";
const LOOKUP = "/go/sumdb/*/lookup/example.test/anchor@v1.1.0";

let upstream: FakeUpstream;
let server: TestServer;
beforeEach(async () => {
  upstream = await startUpstream();
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

const ask = async (path: string) => {
  const answer = await fetch(`${server.url}${path}`);
  return { status: answer.status, text: await answer.text() };
};
const kinds = () => server.events().map(({ kind }) => kind);

test("a false zip that was let in without a record is found out when there is one, and served no more", async () => {
  server = await startServer(upstream);
  upstream.go.republish("example.test/anchor", "v1.1.0");
  upstream.fault(LOOKUP, "status", 404);
  expect((await ask(ZIP)).status).toBe(200);
  expect(await server.operate("go recheck", "go")).toEqual({
    isDone: true,
    lines: ["1 let in without a record were looked at; 1 have none still"],
  });
  expect(kinds()).toEqual(["unsigned"]);
  upstream.clear();
  const { isDone, lines } = await server.operate("go recheck", "go");
  expect([isDone, lines[0]]).toEqual([false, "example.test/anchor@v1.1.0 (zip): false"]);
  expect(kinds()).toEqual(["unsigned", "tampered"]);
  expect((await ask(ZIP)).status).toBe(424);
  expect(await server.operate("go recheck", "go")).toEqual({
    isDone: true,
    lines: ["No module was let in without a record"],
  });
});

test("a true one is found to be so, once", async () => {
  server = await startServer(upstream);
  upstream.fault(LOOKUP, "status", 404);
  expect((await ask(ZIP)).status).toBe(200);
  expect((await ask(ZIP.replace("zip", "mod"))).status).toBe(200);
  upstream.clear();
  const { isDone, lines } = await server.operate("go recheck", "go");
  expect([isDone, lines.slice(0, 2).sort()]).toEqual([
    true,
    ["example.test/anchor@v1.1.0 (mod): true", "example.test/anchor@v1.1.0 (zip): true"],
  ]);
  expect(kinds()).toEqual(["unsigned", "unsigned"]);
  expect((await ask(ZIP)).status).toBe(200);
});

test("the database itself is asked where it can be: the upstream's no alone lets nothing in", async () => {
  server = await startServer(upstream, { sumdbDirect: true });
  upstream.go.republish("example.test/anchor", "v1.1.0");
  upstream.fault(/^\/go\/sumdb\/.*\/lookup\//, "status", 404);
  expect((await ask(ZIP)).status).toBe(424);
  expect(kinds()).toEqual(["tampered"]);
  expect((await ask(ZIP.replace("zip", "mod"))).status).toBe(200);
  upstream.fault(/^\/lookup\//, "status", 503);
  expect((await ask("/go/example.test/keel/@v/v1.0.0.zip")).status).toBe(424);
  expect(kinds()).toEqual(["tampered"]);
});
