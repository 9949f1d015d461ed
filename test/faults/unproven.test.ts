// A checksum database's no, told by who also serves the module: nothing that it lets in is believed for good.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { holdfastAt } from "../support/command.ts";
import { configText, type TestOptions } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";

const ZIP = "/go/example.test/anchor/@v/v1.1.0.zip";
const LOOKUP = "/go/sumdb/*/lookup/example.test/anchor@v1.1.0";

let upstream: FakeUpstream;
let server: ServerProcess;
beforeEach(async () => {
  upstream = await startUpstream();
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
}, 30_000);

const begin = async (options: TestOptions = {}) => {
  server = await startProcess({ config: configText(upstream, options) });
  // What was done is done again by itself an hour later: not in the middle of this. It may be at work just now.
  let first = "";
  await waitFor(
    async () => {
      first = await holdfastAt(server, ["go", "recheck", "go"], { codes: [0, 1] });
      return first.includes("No module was let in without a record");
    },
    () => first,
    30_000,
  );
};
/** What every node answers. */
const ask = async (path: string) => {
  const answers = [];
  for (const { url } of server.nodes) {
    const answer = await fetch(`${url}${path}`);
    await answer.text();
    answers.push(answer.status);
  }
  const [first] = answers;
  expect(answers).toEqual(answers.map(() => first!));
  return first!;
};
/** `code`: with which the command ends. */
const recheck = async (code: number) => {
  const said = await holdfastAt(server, ["go", "recheck", "go"], { codes: [code] });
  return said.trimEnd().split("\n");
};
const kinds = () => server.events().map(({ kind }) => kind);

test("a false zip that was let in without a record is found out when there is one, and served no more", async () => {
  await begin();
  upstream.go.republish("example.test/anchor", "v1.1.0");
  upstream.fault(LOOKUP, "status", 404);
  expect(await ask(ZIP)).toBe(200);
  expect(await recheck(0)).toEqual(["1 let in without a record were looked at; 1 have none still"]);
  expect(kinds()).toEqual(["unsigned"]);
  upstream.clear();
  expect((await recheck(1))[0]).toBe("example.test/anchor@v1.1.0 (zip): false");
  expect(kinds()).toEqual(["unsigned", "tampered"]);
  expect(await ask(ZIP)).toBe(424);
  expect(await recheck(0)).toEqual(["No module was let in without a record"]);
}, 60_000);

test("a true one is found to be so, once", async () => {
  await begin();
  upstream.fault(LOOKUP, "status", 404);
  expect(await ask(ZIP)).toBe(200);
  expect(await ask(ZIP.replace("zip", "mod"))).toBe(200);
  upstream.clear();
  expect((await recheck(0)).slice(0, 2).sort()).toEqual([
    "example.test/anchor@v1.1.0 (mod): true",
    "example.test/anchor@v1.1.0 (zip): true",
  ]);
  expect(kinds()).toEqual(["unsigned", "unsigned"]);
  expect(await ask(ZIP)).toBe(200);
}, 60_000);

test("the database itself is asked where it can be: the upstream's no alone lets nothing in", async () => {
  await begin({ sumdbDirect: true });
  upstream.go.republish("example.test/anchor", "v1.1.0");
  upstream.fault(/^\/go\/sumdb\/.*\/lookup\//, "status", 404);
  expect(await ask(ZIP)).toBe(424);
  // Each node was asked, and has fetched it.
  const told = server.nodes.map(() => "tampered");
  expect(kinds()).toEqual(told);
  expect(await ask(ZIP.replace("zip", "mod"))).toBe(200);
  upstream.fault(/^\/lookup\//, "status", 503);
  expect(await ask("/go/example.test/keel/@v/v1.0.0.zip")).toBe(424);
  expect(kinds()).toEqual(told);
}, 60_000);
