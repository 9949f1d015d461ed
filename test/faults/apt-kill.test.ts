// `kill -9` while a new release is taken into service: clients see the old one or the new one, and always all of it.
import { expect, test } from "bun:test";
import { configText } from "../support/config.ts";
import { hex } from "../support/fake-upstream/apt-packages.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";

const ROUNDS = 6;
const INDICES = [
  "main/binary-amd64/Packages.xz",
  "main/binary-arm64/Packages.gz",
  "contrib/binary-amd64/Packages.xz",
  "main/source/Sources.xz",
  "main/Contents-amd64.gz",
];

async function withServer(
  act: (upstream: FakeUpstream, server: ServerProcess) => Promise<void>,
): Promise<void> {
  const upstream = await startUpstream();
  const server = await startProcess({ config: configText(upstream, { freshness: "0s" }) });
  try {
    await act(upstream, server);
  } finally {
    await server.stop();
    await upstream.stop();
  }
}

async function get(server: ServerProcess, path: string): Promise<string> {
  const response = await fetch(`${server.url}/debian/dists/stable/${path}`);
  const bytes = await response.bytes();
  if (response.status !== 200)
    throw new Error(`${path}: ${response.status}: ${Buffer.from(bytes)}`);
  return Buffer.from(bytes).toString("latin1");
}

/** The release in service, after every index that was ever asked for was found to be what it says. */
async function wholeRelease(server: ServerProcess): Promise<string> {
  const release = await get(server, "InRelease");
  const sums = release.slice(release.indexOf("SHA256:"), release.indexOf("SHA512:"));
  for (const path of INDICES) {
    const [, digest = ""] = new RegExp(` ([0-9a-f]{64}) +\\d+ ${path}\n`).exec(sums) ?? [];
    const folder = path.replace(/[^/]*$/, "");
    for (const place of [path, `${folder}by-hash/SHA256/${digest}`])
      expect([path, hex("sha256", Buffer.from(await get(server, place), "latin1"))]).toEqual([
        path,
        digest,
      ]);
  }
  return release;
}

/** What one that lives shows after a crash of the one that asks the upstream, or of another one; and that nobody shows anything else who can ask nobody. */
async function releaseAfterCrash(server: ServerProcess, lease?: string): Promise<string> {
  await server.kill(lease);
  const shown = server.nodes.length > 1 ? await wholeRelease(server) : null;
  await server.restart(["--offline"]);
  const release = await wholeRelease(server);
  if (shown !== null) expect(release).toBe(shown);
  return release;
}

test(
  "a release whose indices are still under way is not in service after a crash; one that was shown is",
  () =>
    withServer(async (upstream, server) => {
      const first = await wholeRelease(server);
      await upstream.apt.archives.debian.publish("stable", { name: "extra", version: "1.0" });
      // That of the contents: the others arrive.
      upstream.fault("*/main/Contents-amd64.gz", "silent");
      upstream.fault("*/stable/main/by-hash/*", "silent");
      expect(await get(server, "InRelease")).toBe(first);
      expect(await releaseAfterCrash(server, "document debian inrelease\0dists/stable")).toBe(
        first,
      );

      upstream.clear();
      await server.restart();
      // Nobody waits for it longer than a second.
      let second = first;
      await waitFor(
        async () => {
          second = await get(server, "InRelease");
          return second !== first;
        },
        () => "the new release does not come",
        30_000,
      );
      expect(await releaseAfterCrash(server)).toBe(second);
    }),
  120_000,
);

test(
  `${ROUNDS} kills at other moments`,
  () =>
    withServer(async (upstream, server) => {
      const isSeveral = server.nodes.length > 1;
      const archive = upstream.apt.archives.debian;
      const releases = [await wholeRelease(server)];
      for (let round = 0; round < ROUNDS; round += 1) {
        await archive.publish("stable", { name: `extra${round}`, version: "1" });
        releases.push(String(archive.peek("dists/stable/InRelease")));
        const asked = get(server, "InRelease").catch(() => "");
        await Bun.sleep(5 + round * 12); // where the kill falls differs from round to round; nothing is asserted of it
        const dead = await server.kill();
        const shown = await asked;
        const seen = [shown];
        if (isSeveral) seen.push(await wholeRelease(server)); // by those that live
        await (isSeveral ? dead : server).restart(["--offline"]);
        seen.push(await wholeRelease(server));
        // What a client was given is not taken back; those that live may have gone on since.
        const order = seen
          .filter((one) => one.includes("END PGP"))
          .map((one) => releases.indexOf(one));
        expect([round, order]).toEqual([round, order.toSorted((a, b) => a - b)]);
        expect(order).not.toContain(-1);
        if (!isSeveral) expect([round, new Set(order).size]).toEqual([round, 1]);
        await (isSeveral ? dead : server).restart();
      }
      // Nobody waits for a new release longer than a second: on a slow machine it is there for the next one.
      let packages = "";
      await waitFor(
        async () => {
          await get(server, "InRelease");
          packages = await get(server, "main/binary-amd64/Packages.xz");
          return packages.includes("Package: extra0\n");
        },
        () => packages,
        30_000,
      );
    }),
  120_000,
);
