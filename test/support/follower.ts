// A server that follows another one, inside the test's own process.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/core/log.ts";
import { formats } from "../../src/formats/index.ts";
import { type Running, start } from "../../src/server/start.ts";
import { readCatalog, type SeenEvent, type SeenFile } from "./catalog.ts";
import type { TestServer } from "./server.ts";
import { removeTemp, tempFolder } from "./temp.ts";
import { waitFor } from "./wait.ts";

export interface TestFollower {
  readonly url: string;
  readonly data: string;
  /** Its configuration, for commands beside it. */
  readonly config: string;
  readonly log: string[];
  running(): Running;
  /** What /-/health/ready says of the following. */
  following(): Promise<{ state: string; behindLeaves: number; toBring: number }>;
  advance(milliseconds: number): void;
  restart(): Promise<void>;
  events(): SeenEvent[];
  files(): SeenFile[];
  stop(): Promise<void>;
}

/** What `holdfast ledger key` prints, and a token that may follow. */
export interface Primary {
  key: string;
  token: string;
}

/** Makes the user who follows. */
export async function openToFollowers(server: TestServer): Promise<Primary> {
  await server.account("user add", { name: "site-b" });
  await server.account("grant add", {
    holder: "user:site-b",
    actions: ["follow"],
    repository: null,
    package: null,
  });
  const token = await tokenOf(server, "site-b");
  const key = await fetch(`${server.url}/-/log/key`, { headers: bearer(token) });
  return { token, key: (await key.text()).trim() };
}

/** Waits until the follower has files of these names, and all that the primary said until then. */
export async function awaitBrought(
  follower: TestFollower,
  names: readonly string[],
): Promise<void> {
  const missing = () => {
    const here = new Set(follower.files().map(({ file }) => file));
    return names.filter((name) => !here.has(name));
  };
  const isDone = async () => {
    // Heard first: what a file's leaf makes wanted is counted with the leaf.
    if (missing().length > 0) return false;
    const { state, toBring, behindLeaves } = await follower.following();
    return state === "following" && toBring === 0 && behindLeaves === 0;
  };
  const why = () => `not brought: ${missing()}; ${follower.log.slice(-20).join("\n")}`;
  await waitFor(isDone, why, 60_000);
}

export async function tokenOf(server: TestServer, user: string): Promise<string> {
  const scope = { repositories: null, packages: null, actions: null };
  const lines = await server.account("token create", { user, name: `of ${user}`, scope });
  return lines[0]!;
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** `url`: where the primary is reached. `follow`: more keys of that name. */
export async function startFollower(
  url: string,
  { key, token }: Primary,
  repositories: Record<string, unknown>,
  follow: Record<string, unknown> = {},
): Promise<TestFollower> {
  const home = tempFolder("follower");
  const data = join(home, "data");
  const config = join(home, "holdfast.yaml");
  writeFileSync(join(home, "token"), token);
  writeFileSync(
    config,
    JSON.stringify({
      data,
      follow: { url, key, tokenFile: "token", every: "1s", ...follow },
      repositories,
    }),
  );
  const log: string[] = [];
  let listen = "127.0.0.1:0";
  let shift = 0;
  const begin = () => {
    const flags = { data, listen };
    const load = () => loadConfig({ file: config, formats, flags, env: {} });
    return start({
      config: load(),
      load,
      log: createLog("json", (line) => log.push(line)),
      now: () => Date.now() + shift,
      patienceMs: 20_000,
    });
  };
  let running = await begin();
  listen = new URL(running.url).host;
  return {
    url: running.url.replace(/\/$/, ""),
    data,
    config,
    log,
    running: () => running,
    async following() {
      const answer = await fetch(`${running.url}/-/health/ready`.replace("//-", "/-"));
      return (
        (await answer.json()) as { following: Awaited<ReturnType<TestFollower["following"]>> }
      ).following;
    },
    advance(milliseconds) {
      shift += milliseconds;
    },
    async restart() {
      await running.stop();
      running = await begin();
    },
    ...readCatalog(data),
    async stop() {
      await running.stop();
      removeTemp(home);
    },
  };
}
