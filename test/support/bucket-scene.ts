// What tests of servers and buckets begin with: a gateway for all of a file, and for each test a server, an upstream, a folder, and commands given there.
import { afterAll, afterEach, beforeAll, beforeEach } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../../src/cli/index.ts";
import { fakeTerminal } from "../../src/cli/testing.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/core/log.ts";
import { formats } from "../../src/formats/index.ts";
import { commands } from "../../src/main.ts";
import { start } from "../../src/server/start.ts";
import { type Gateway, startGateway } from "./bucket.ts";
import { type FakeUpstream, startUpstream } from "./fake-upstream/index.ts";
import { startServer, type TestServer } from "./server.ts";
import { removeTemp, tempFolder } from "./temp.ts";

export interface BucketScene {
  readonly gateway: Gateway;
  /** Those of the test that runs, as is all below. */
  readonly upstream: FakeUpstream;
  readonly server: TestServer;
  readonly folder: string;
  /** Another one for each test of the file: for prefixes. */
  readonly number: number;
  /** A command, given in the folder. */
  play(...words: string[]): Promise<{ code: number; printed: string }>;
  /** A configuration in a file of the folder, without the public registries. */
  written(name: string, places: Record<string, unknown>): string;
  /** Starts a server with such a file, and ends it: "starts", or why it does not. */
  begin(file: string): Promise<string>;
}

interface SceneOptions {
  /** Of the gateway. */
  buckets: readonly string[];
  /** Of the folder. */
  name: string;
  /** How the server is started, once the rest is there. */
  server(scene: BucketScene): NonNullable<Parameters<typeof startServer>[1]>;
  /** Of commands. */
  env?: Record<string, string>;
}

/** To be called where tests are defined. `program`: of versitygw. */
export function bucketScene(program: string, options: SceneOptions): BucketScene {
  let gateway: Gateway;
  let upstream: FakeUpstream;
  let server: TestServer;
  let folder: string;
  let number = 0;
  const scene: BucketScene = {
    get gateway() {
      return gateway;
    },
    get upstream() {
      return upstream;
    },
    get server() {
      return server;
    },
    get folder() {
      return folder;
    },
    get number() {
      return number;
    },
    async play(...words) {
      const { env = {} } = options;
      const terminal = fakeTerminal({ cwd: folder, env, now: Date.now });
      const code = await runCli(words, commands(), terminal);
      return { code, printed: terminal.printed.out + terminal.printed.err };
    },
    written(name, places) {
      const path = join(folder, name);
      const names = ["npm", "pypi", "go", "composer", "debian", "debian-security"];
      const repositories = Object.fromEntries(names.map((one) => [one, false]));
      writeFileSync(path, JSON.stringify({ ...places, repositories }));
      return path;
    },
    async begin(file) {
      const config = loadConfig({ file, formats, flags: {}, env: {} });
      try {
        await (await start({ config, log: createLog("json", () => {}), listen: "none" })).stop();
        return "starts";
      } catch (error) {
        return String(error);
      }
    },
  };
  beforeAll(async () => {
    gateway = await startGateway(program, options.buckets);
  });
  afterAll(() => gateway.stop());
  beforeEach(async () => {
    number += 1;
    folder = tempFolder(options.name);
    upstream = await startUpstream();
    server = await startServer(upstream, options.server(scene));
  });
  afterEach(async () => {
    await server.stop();
    await upstream.stop();
    removeTemp(folder);
  });
  return scene;
}

/** What is in a folder's folders, by name; without tiles that are not full: which of them are still there is a matter of how the log grew. */
export function contentsOf(root: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => !path.includes(".p/"))
      .map((path) => [path.slice(root.length), readFileSync(path).toString("base64")]),
  );
}
