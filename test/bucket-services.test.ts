// A whole server with services that speak S3 otherwise than the gateway of the tests: played in memory, so that this stands without any of them.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../src/cli/index.ts";
import { fakeTerminal } from "../src/cli/testing.ts";
import { commands } from "../src/main.ts";
import { storeOptions } from "./support/bucket.ts";
import { type FakeBucket, startFakeBucket } from "./support/fake-bucket.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";

const KELP = "/npm/kelp/-/kelp-1.0.0.tgz";
let upstream: FakeUpstream;
let fake: FakeBucket;
let server: TestServer | null;
let folder: string;
beforeEach(async () => {
  upstream = await startUpstream();
  fake = startFakeBucket();
  server = null;
  folder = tempFolder("services");
});
afterEach(async () => {
  await server?.stop();
  await fake.stop();
  await upstream.stop();
  removeTemp(folder);
});

const withStore = (change: Record<string, unknown> = {}) => ({
  server: { store: storeOptions(fake.endpoint, "s3://packages/here", change) },
  hasSchedule: false,
});
const status = async (path: string) => {
  const response = await fetch(`${server!.url}${path}`);
  return `${response.status} ${(await response.text()).slice(0, 200)}`;
};
const names = () => [...fake.objects.keys()].filter((name) => !name.includes("/log/"));

/** A command as an operator gives it beside the server. */
async function play(...words: string[]) {
  const { accessKeyFile, secretKeyFile } = storeOptions(fake.endpoint, "");
  const env = { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret" };
  const terminal = fakeTerminal({ cwd: folder, env, now: Date.now });
  writeFileSync(
    join(folder, "there.yaml"),
    `data: ${server!.data}\nstore: { url: "s3://other/there", endpoint: "${fake.endpoint}", accessKeyFile: ${accessKeyFile}, secretKeyFile: ${secretKeyFile} }\n`,
  );
  const code = await runCli(words, commands(), terminal);
  return `${code} ${terminal.printed.out}${terminal.printed.err}`;
}
const backUp = () =>
  play("backup", "--to", "s3://backups/b", "--endpoint", fake.endpoint, "--data", server!.data);
const move = () => play("move", "--to", join(folder, "there.yaml"), "--data", server!.data);

for (const [ignores, told] of [
  [["if-none-match"], "writes over an object although it was told not to"],
  [["if-match"], "replaces an object although it is another one than it was told"],
] as const)
  test(`a service that takes no notice of ${ignores} gets no server, no backup and no move, and nothing is left there`, async () => {
    fake.set({ ignores });
    await expect(startServer(upstream, withStore())).rejects.toThrow(told);
    expect(names()).toEqual([]);
    server = await startServer(upstream);
    expect(await status(KELP)).toStartWith("200 ");
    expect(await backUp()).toMatch(new RegExp(`^1 .*${told}`, "s"));
    expect(await move()).toMatch(new RegExp(`^1 .*${told}`, "s"));
    expect(names()).toEqual([]);
    fake.set({ ignores: [] });
    expect(await backUp()).toStartWith("0 ");
    expect(await move()).toStartWith("0 ");
  });

test("a service that was replaced by one without conditions gets no server any more", async () => {
  server = await startServer(upstream, withStore());
  expect(await status(KELP)).toStartWith("200 ");
  fake.set({ ignores: ["if-none-match"] });
  await expect(server.restart()).rejects.toThrow("writes over an object");
  fake.set({ ignores: [] });
  await server.restart();
  expect(await status(KELP)).toStartWith("200 ");
});

test("a service that has too much to do now and then is asked again, for all that is written", async () => {
  let asked = 0;
  fake.set({
    refuses: ({ method }) => {
      asked += 1;
      if (method !== "PUT" || asked % 2 === 0) return null;
      return asked % 4 === 1
        ? { status: 503, code: "SlowDown" }
        : { status: 409, code: "ConditionalRequestConflict" };
    },
  });
  server = await startServer(upstream, withStore());
  expect(await status(KELP)).toStartWith("200 ");
  expect(names()).toContain("/packages/here/holdfast.json");
});

test("a key that ends while a server runs is read again from its files", async () => {
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  let good = "one";
  fake.set({
    refuses: ({ headers }) =>
      headers.get("x-amz-security-token") === good ? null : { status: 400, code: "ExpiredToken" },
  });
  server = await startServer(upstream, withStore({ sessionTokenFile: file("token", "one") }));
  expect(await status(KELP)).toStartWith("200 ");
  good = "two";
  const cold = "/npm/kelp/-/kelp-2.0.0.tgz";
  const refused = await status(cold);
  expect(refused).toMatch(/^503 .*does not take the session token/);
  // Whose key it is, and what the service says of it, is for who runs the server.
  expect(refused).not.toContain("In words");
  expect(server.log.join("\n")).toMatch(/ \(access key [\w-]+; In words\)/);
  expect(await status(KELP)).toStartWith("200 "); // of its copy
  file("token", "two");
  expect(await status(cold)).toStartWith("200 ");
});
