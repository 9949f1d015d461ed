// Many clients update while the upstream publishes, without by-hash: none is ever given an index that its release does not name.
import { expect, test } from "bun:test";
import { Agent, get } from "node:http";
import { configText } from "../support/config.ts";
import type { FakeArchive } from "../support/fake-upstream/apt-archive.ts";
import { hex } from "../support/fake-upstream/apt-packages.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startProcess } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";

const CLIENTS = 20;
const GENERATIONS = 15;
/** The client that looks whether the newest release is there: behind all others. */
const LAST = CLIENTS + 1;
const INDEX = "main/binary-amd64/Packages.xz";

/** As apt: one connection for one update, of which this is the first half. */
async function begin({ folder }: Scene, localAddress: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, localAddress });
  const release = await ask(agent, `${folder}/InRelease`);
  return {
    release: String(release.bytes),
    async finish(): Promise<string> {
      const index = await ask(agent, `${folder}/${INDEX}`);
      agent.destroy();
      if (release.status !== 200 || index.status !== 200)
        return `InRelease ${release.status}, index ${index.status}: ${index.bytes}`;
      const line = ` ${hex("sha256", index.bytes)} ${index.bytes.length} ${INDEX}\n`;
      return release.bytes.includes(line) ? "the same generation" : "Hash Sum mismatch";
    },
  };
}

async function update(scene: Scene, address: string): Promise<string> {
  return (await begin(scene, address)).finish();
}

function ask(agent: Agent, url: string): Promise<{ status: number; bytes: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; bytes: Buffer }>();
  get(url, { agent }, (response) => {
    const parts: Buffer[] = [];
    response.on("data", (part: Buffer) => parts.push(part));
    response.on("error", reject);
    response.on("end", () =>
      resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(parts) }),
    );
  }).on("error", reject);
  return promise;
}

interface Scene {
  archive: FakeArchive;
  /** The suite, as clients see it. */
  folder: string;
  /** Of that client. Behind a proxy, which has connections of its own, it is by this that a client is told from another; elsewhere all have the same. */
  addressOf(client: number): string;
  /** Later: what was refused may be asked for again. */
  later(): void;
}

async function withServer(act: (scene: Scene) => Promise<void>): Promise<void> {
  const upstream = await startUpstream();
  const config = configText(upstream, { freshness: "0s" });
  const server = await startProcess({ config, hasClock: true });
  try {
    const scene: Scene = {
      archive: upstream.apt.archives.plain,
      folder: `${server.url}/plain/dists/stable`,
      addressOf: (client) => (server.nodes.length > 1 ? `127.0.1.${client}` : "127.0.0.1"),
      later: () => server.advance(60_000),
    };
    expect(await update(scene, scene.addressOf(LAST))).toBe("the same generation");
    await act(scene);
  } finally {
    await server.stop();
    await upstream.stop();
  }
}

/** Asks until the server has the upstream's newest release in service. */
async function caughtUp(scene: Scene) {
  scene.later();
  const ask = () => begin(scene, scene.addressOf(LAST));
  let last = await ask();
  await waitFor(
    async () => {
      // Being asked may be what brings a newer one.
      const isNewest = () => last.release === String(scene.archive.peek("dists/stable/InRelease"));
      if (!isNewest()) last = await ask();
      return isNewest();
    },
    () => "the newest release is not served",
    20_000,
  );
  return last;
}

test(
  "two clients in the middle of an update, a release apart, each get their own index",
  () =>
    withServer(async (scene) => {
      const slow = await begin(scene, scene.addressOf(1));
      await scene.archive.publish("stable", { name: "extra", version: "1.0" });
      const quick = await caughtUp(scene);
      expect(quick.release).not.toBe(slow.release);
      expect(await slow.finish()).toBe("the same generation");
      expect(await quick.finish()).toBe("the same generation");
    }),
  120_000,
);

test(
  `${CLIENTS} clients update without a pause while ${GENERATIONS} releases appear`,
  () =>
    withServer(async (scene) => {
      const { archive, later } = scene;
      const seen = new Map<string, number>();
      const count = () => [...seen.values()].reduce((sum, one) => sum + one, 0);
      let isOver = false;
      const clients = Array.from({ length: CLIENTS }, async (_, at) => {
        while (!isOver) {
          const outcome = await update(scene, scene.addressOf(at + 1));
          seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        }
      });
      for (let turn = 0; turn < GENERATIONS; turn += 1) {
        const item = { name: `extra${turn}`, version: "1.0" };
        // Every third takes over while the server is between a release and its index.
        if (turn % 3 === 1) await archive.switchAfter("stable", /InRelease$/, item);
        else await archive.publish("stable", item);
        later();
        const before = count();
        await waitFor(
          () => count() >= before + CLIENTS,
          () => "the clients stand still",
          20_000,
        );
      }
      isOver = true;
      await Promise.all(clients);
      expect([...seen.keys()]).toEqual(["the same generation"]);
      expect(await (await caughtUp(scene)).finish()).toBe("the same generation");
    }),
  120_000,
);
