// Many clients update while the upstream publishes, without by-hash: none is ever given an index that its release does not name.
import { expect, test } from "bun:test";
import { Agent, get } from "node:http";
import type { FakeArchive } from "../support/fake-upstream/apt-archive.ts";
import { hex } from "../support/fake-upstream/apt-packages.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startServer } from "../support/server.ts";
import { waitFor } from "../support/wait.ts";

const CLIENTS = 20;
const GENERATIONS = 15;
const INDEX = "main/binary-amd64/Packages.xz";

/** As apt: one connection for one update, of which this is the first half. */
async function begin(folder: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
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

async function update(folder: string): Promise<string> {
  return (await begin(folder)).finish();
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
  /** Later: what was refused may be asked for again. */
  later(): void;
}

async function withServer(act: (scene: Scene) => Promise<void>): Promise<void> {
  const upstream = await startUpstream();
  const server = await startServer(upstream, { freshness: "0s" });
  try {
    const folder = `${server.url}/plain/dists/stable`;
    expect(await update(folder)).toBe("the same generation");
    const later = () => server.advance(60_000);
    await act({ archive: upstream.apt.archives.plain, folder, later });
  } finally {
    await server.stop();
    await upstream.stop();
  }
}

/** Asks until the server has the upstream's newest release in service. */
async function caughtUp({ archive, folder, later }: Scene) {
  let last = await begin(folder);
  await waitFor(
    async () => {
      // Being asked may be what brings a newer one.
      const isNewest = () => last.release === String(archive.peek("dists/stable/InRelease"));
      if (!isNewest()) {
        later();
        last = await begin(folder);
      }
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
      const { archive, folder } = scene;
      const slow = await begin(folder);
      await archive.publish("stable", { name: "extra", version: "1.0" });
      const quick = await caughtUp(scene);
      expect(quick.release).not.toBe(slow.release);
      expect(await slow.finish()).toBe("the same generation");
      expect(await quick.finish()).toBe("the same generation");
    }),
  60_000,
);

test(
  `${CLIENTS} clients update without a pause while ${GENERATIONS} releases appear`,
  () =>
    withServer(async (scene) => {
      const { archive, folder, later } = scene;
      const seen = new Map<string, number>();
      const count = () => [...seen.values()].reduce((sum, one) => sum + one, 0);
      let isOver = false;
      const clients = Array.from({ length: CLIENTS }, async () => {
        while (!isOver) {
          const outcome = await update(folder);
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
  60_000,
);
