// `kill -9` while Debian packages are published: clients see the release before or the one after, whole, and nothing that was acknowledged is missing.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parseRelease } from "../../src/formats/apt/release.ts";
import { verifyClearSigned, verifyDetached } from "../../src/formats/apt/signature.ts";
import { makeAccounts } from "../support/accounts.ts";
import { holdfastAt } from "../support/command.ts";
import { build } from "../support/fake-upstream/apt-packages.ts";
import { startProcess } from "../support/process.ts";

const ROUNDS = 6;
const AT_ONCE = 6;

const builtIn = ["npm", "pypi", "go", "composer", "debian", "debian-security"];
const config = JSON.stringify({
  repositories: {
    ...Object.fromEntries(builtIn.map((name) => [name, false])),
    private: { format: "apt", hosted: { suites: ["stable"] } },
  },
});

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const debOf = (name: string) => build({ name, version: "1.0", bulk: 5000 }, null).bytes;

/** Two packages that belong together, and the .changes that says so. */
function pair(name: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>(
    ["left", "right"].map((half) => [`${name}-${half}_1.0_all.deb`, debOf(`${name}-${half}`)]),
  );
  const list = [...files];
  const changes = [
    `Source: ${name}`,
    "Version: 1.0",
    "Distribution: stable",
    "Checksums-Sha256:",
    ...list.map(([file, bytes]) => ` ${sha256(bytes)} ${bytes.length} ${file}`),
    "Files:",
    ...list.map(([file, bytes]) => {
      const md5 = createHash("md5").update(bytes).digest("hex");
      return ` ${md5} ${bytes.length} misc optional ${file}`;
    }),
    "",
  ];
  return files.set(`${name}_1.0_all.changes`, Buffer.from(changes.join("\n")));
}

test(`${ROUNDS} kills in the middle of publishing: the release is the old one or the new one, and whole`, async () => {
  const server = await startProcess({ config });
  const url = `${server.url}/private`;
  const acknowledged = new Set<string>();
  const refused: string[] = [];
  const isSeveral = server.nodes.length > 1;
  try {
    await server.pause();
    const [token] = await makeAccounts(server, [{ user: "ann", actions: ["publish"] }]);
    await server.restart();
    const publish = async (name: string) => {
      const headers = { authorization: `Bearer ${token}` };
      try {
        for (const [file, bytes] of pair(name)) {
          const call = { method: "PUT", headers, body: new Uint8Array(bytes) };
          const answer = await fetch(`${url}/-/upload/${file}`, call);
          const text = await answer.text();
          if (isSeveral && answer.status === 502) return; // nginx's word for a node that died
          if (!answer.ok) refused.push(`${file}: ${answer.status} ${text}`);
        }
        acknowledged.add(name);
      } catch {
        return; // the connection died with the server
      }
    };
    const get = async (path: string) => {
      const answer = await fetch(`${url}/${path}`);
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect([path, answer.status]).toEqual([path, 200]);
      return bytes;
    };
    const check = async () => {
      const key = await get("-/key.asc");
      const { text } = await verifyClearSigned(await get("dists/stable/InRelease"), key);
      const beside = await get("dists/stable/Release.gpg");
      await verifyDetached(Buffer.from(text), beside, key);
      const { files } = parseRelease(text);
      const { hash, size } = files.get("main/binary-amd64/Packages.gz")!;
      const packed = await get(`dists/stable/main/binary-amd64/by-hash/SHA256/${hash}`);
      expect([sha256(packed), packed.length]).toEqual([hash, size]);
      const names: string[] = [];
      for (const stanza of gunzipSync(packed).toString().split("\n\n").filter(Boolean)) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(stanza)![1]!;
        names.push(field("Package"));
        expect(sha256(await get(field("Filename")))).toBe(field("SHA256"));
        expect(field("SHA256")).toBe(sha256(debOf(field("Package"))));
      }
      const halves = (half: string) =>
        names.filter((name) => name.endsWith(half)).map((name) => name.slice(0, -half.length));
      expect(halves("-left")).toEqual(halves("-right"));
      for (const name of acknowledged) expect(halves("-left")).toContain(name);
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      const running = Promise.all(
        Array.from({ length: AT_ONCE }, (_, at) => publish(`shell${round}${at}`)),
      );
      await Bun.sleep(30 + round * 60); // where the kill falls differs from round to round; nothing is asserted of it
      const dead = await server.kill();
      await running;
      if (isSeveral) await check(); // by those that live
      await dead.restart();
      expect(readdirSync(join(dead.data, "incoming"))).toEqual([]);
      await check();
      expect(await holdfastAt(dead, ["verify"])).toContain("all true to their digests");
    }
    // What was cut off is uploaded again, and is no conflict.
    const all = Array.from(
      { length: ROUNDS * AT_ONCE },
      (_, at) => `shell${Math.floor(at / AT_ONCE)}${at % AT_ONCE}`,
    );
    await Promise.all(all.map(publish));
    await check();
    expect(refused).toEqual([]);
    expect(acknowledged.size).toBe(ROUNDS * AT_ONCE);
    expect(server.output()).not.toContain("because of a bug");
  } finally {
    await server.stop();
  }
}, 180_000);
