// `kill -9` while a mirror is fetched and while a module's zip is made of it: the server that comes after has all of it, as one that was never killed.
import { expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeRepository } from "../../src/git/testkit.ts";
import { holdfastAt } from "../support/command.ts";
import { type ServerProcess, startOne, startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

const ROUNDS = 4;
const MODULE = "git.example.com/team/lib";
const others = {
  npm: false,
  pypi: false,
  composer: false,
  debian: false,
  "debian-security": false,
};

test(`${ROUNDS} kills in a fetch and in the making of a zip: nothing half is served or left`, async () => {
  const folder = tempFolder("sources-kill");
  const code = makeRepository(join(folder, "host", "lib"));
  code.commit({ "go.mod": `module ${MODULE}\n` });
  const source = { names: "git.example.com/team/*", git: `file://${folder}/host/{1}`, every: "1d" };
  const config = JSON.stringify({
    repositories: { ...others, go: { upstreams: [], sources: [source] } },
  });
  const server = await startProcess({ config });
  const get = (of: ServerProcess, path: string) => fetch(`${of.url}/go/${MODULE}/${path}`);
  const kill = async (asked: Promise<unknown>) => {
    const dead = await server.kill();
    await asked;
    await dead.restart();
    return dead;
  };
  const bytes = async (of: ServerProcess, version: string) => {
    const response = await get(of, `@v/${version}.zip`);
    expect([version, response.status]).toEqual([version, 200]);
    return createHash("sha256")
      .update(Buffer.from(await response.arrayBuffer()))
      .digest("hex");
  };
  try {
    const sums = new Map<string, string>();
    for (let round = 0; round < ROUNDS; round += 1) {
      const version = `v1.${round}.0`;
      code.commit({ "data.bin": randomBytes(6 * 2 ** 20), "a.go": `package lib // ${round}\n` });
      code.tag(version);
      // Where the kills fall differs from round to round; nothing is asserted of it.
      const lost = () => null;
      const fetching = get(server, `@v/${version}.info`).catch(lost);
      await Bun.sleep(30 + round * 70);
      const { data } = await kill(fetching);
      await waitFor(
        () => gitAt(data).length === 0,
        () => `git is still at work: ${gitAt(data)}`,
      );
      await waitFor(
        async () => (await get(server, `@v/${version}.info`)).ok, // a client waits a second at most
        () => `${version} does not come:\n${server.output()}`,
        30_000,
      );
      const making = get(server, `@v/${version}.zip`)
        .then((response) => response.arrayBuffer())
        .catch(lost);
      await Bun.sleep(10 + round * 60);
      await kill(making);
      sums.set(version, await bytes(server, version));
    }
    // Each node has a mirror of its own, made when it first needs one; what is made of it is the same on all.
    const mirrors = server.nodes.flatMap(({ data }) => mirrorsIn(data));
    expect(mirrors).not.toEqual([]);
    for (const mirror of mirrors) {
      const fsck = await run(["git", `--git-dir=${mirror}`, "fsck", "--full", "--strict"], {
        cwd: folder,
      });
      expect([fsck.code, fsck.output]).toMatchObject([
        0,
        expect.not.stringMatching(/missing|corrupt|broken/),
      ]);
      const left = readdirSync(mirror, { recursive: true }).map(String);
      expect(left.filter((name) => /tmp_|\.lock$/.test(name))).toEqual([]);
    }
    for (const node of server.nodes)
      for (const [version, sum] of sums)
        expect([version, await bytes(node, version)]).toEqual([version, sum]);
    await server.pause();
    await holdfastAt(server, ["verify"]);
    const calm = await startOne({ config });
    for (const [version, sum] of sums)
      expect([version, await bytes(calm, version)]).toEqual([version, sum]);
    await calm.stop();
    expect(server.output()).not.toContain("because of a bug");
    expect(server.events().filter(({ kind }) => kind !== "skipped")).toEqual([]);
  } finally {
    await server.stop();
    removeTemp(folder);
  }
}, 240_000);

function mirrorsIn(data: string): string[] {
  const git = join(data, "git");
  const names = existsSync(git) ? readdirSync(git) : [];
  return names
    .filter((name) => /^[0-9a-f]{64}$/.test(name))
    .map((name) => join(git, name, "mirror"));
}

/** What git there is at work in a server's data, by its command line. */
function gitAt(data: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return line.startsWith("git ") && line.includes(data) ? [line] : [];
      } catch {
        return []; // it has ended
      }
    });
}
