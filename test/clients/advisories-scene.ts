// A server that reads a feed of each ecosystem every second, with three people who will have what turns out to be bad, and one who comes late.
import { type FakeBucket, record, startBucket } from "../../src/advisories/testkit.ts";
import { makeAccounts } from "../support/accounts.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type HookReceiver, startHookReceiver } from "../support/hook-receiver.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

/** By how OSV calls them: the purl types of their packages. */
const TYPES = { npm: "npm", PyPI: "pypi", Go: "golang", Packagist: "composer", Debian: "deb" };
type Ecosystem = keyof typeof TYPES;

export const VICTIMS = ["ann", "ben", "cleo"];
export const LATE = "eve";
const MODIFIED = "2026-01-01T00:00:00Z";

export interface Scene {
  upstream: FakeUpstream;
  server: ServerProcess;
  hook: HookReceiver;
  /** Of the victims, then of who comes late. */
  tokens: string[];
  holdfast(...args: string[]): Promise<string>;
  /** A record comes; resolves when the server has read it and looked at what is here. */
  tell(id: string, ecosystem: Ecosystem, name: string, version: string): Promise<void>;
  /** Whom the report names, sorted, once it names as many as there are victims: what other nodes sent is written within seconds. */
  named(what: string): Promise<string[]>;
  /** What the late one gets by GET, HEAD, a range, and GET once more. */
  statuses(path: string): Promise<number[]>;
  stop(): Promise<void>;
}

export async function openScene(): Promise<Scene> {
  const home = tempFolder("advisories-home");
  const upstream = await startUpstream();
  const ecosystems = Object.keys(TYPES) as Ecosystem[];
  const feeds = new Map<Ecosystem, FakeBucket>();
  for (const ecosystem of ecosystems) {
    const feed = startBucket(ecosystem);
    const affected = [{ package: { ecosystem, name: "another" }, versions: ["1.0.0"] }];
    feed.records.set("MAL-2025-1", record("MAL-2025-1", MODIFIED, { affected }));
    feeds.set(ecosystem, feed);
  }
  const hook = await startHookReceiver("whsec_bm9ib2R5IGNoZWNrcyBpdCBoZXJl");
  const config = configText(upstream, {
    access: { anonymous: "none" },
    server: {
      feeds: ecosystems.map((ecosystem) => ({
        name: TYPES[ecosystem],
        url: feeds.get(ecosystem)!.url,
        ecosystems: [ecosystem],
        every: "1s",
      })),
      hooks: [{ name: "chat", url: hook.url, events: ["advisory", "revoked"] }],
      policy: [
        {
          name: "malware",
          packages: Object.values(TYPES).map((type) => `pkg:${type}/*`),
          advisories: { malicious: "block" },
        },
      ],
    },
  });
  const server = await startProcess({ config });
  await server.pause();
  const people = [...VICTIMS, LATE].map((user) => ({ user, actions: ["read" as const] }));
  const tokens = await makeAccounts(server, people);
  await server.restart();

  async function holdfast(...args: string[]): Promise<string> {
    const main = new URL("../../src/main.ts", import.meta.url).pathname;
    const where = ["--config", server.config, "--data", server.data];
    const { output } = await run([process.execPath, main, ...args, ...where], { cwd: home });
    return output;
  }

  return {
    upstream,
    server,
    hook,
    tokens,
    holdfast,
    async tell(id, ecosystem, name, version) {
      const feed = feeds.get(ecosystem)!;
      const revoked = () => server.events().filter(({ kind }) => kind === "revoked").length;
      const before = revoked();
      const affected = [{ package: { ecosystem, name }, versions: [version] }];
      const modified = new Date().toISOString();
      feed.records.set(id, record(id, modified, { affected, summary: "steals tokens" }));
      await waitFor(
        async () => revoked() > before,
        () => `nothing was revoked:\n${server.output()}`,
        60_000,
      );
    },
    async named(what) {
      let output = "";
      const people = () =>
        output
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line).principal);
      await waitFor(
        async () => {
          output = await holdfast("policy", "affected", what, "--json");
          return output.startsWith("{") && people().length >= VICTIMS.length;
        },
        () => `policy affected ${what}: ${output}`,
        20_000,
      );
      return people().sort();
    },
    async statuses(path) {
      const headers = { authorization: `Bearer ${tokens[VICTIMS.length]}` };
      const found: number[] = [];
      for (const [method, range] of [["GET"], ["HEAD"], ["GET", "bytes=0-9"], ["GET"]]) {
        const asked = { method: method!, headers: { ...headers, ...(range && { range }) } };
        const answer = await fetch(server.url + path, { ...asked, redirect: "manual" });
        await answer.arrayBuffer();
        found.push(answer.status);
      }
      return found;
    },
    async stop() {
      await server.stop();
      await upstream.stop();
      for (const feed of feeds.values()) feed.stop();
      hook.stop();
    },
  };
}
