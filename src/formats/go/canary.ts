// The made-up modules of the canaries, as a module proxy would have them, with a checksum database of their own. https://go.dev/ref/mod#goproxy-protocol
import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { writeZip } from "../../archive/zip-writer.ts";
import {
  CANARY_NAME,
  type Canary,
  type CanaryAnswer,
  type CanaryTimes,
  canaryPackages,
  canaryRoles,
  canaryUpstream,
} from "../../core/canary.ts";
import { type HashAt, nodeHash, recordHash, treeHash } from "../../proof/merkle.ts";
import { type Tile, tilePath } from "../../proof/tile.ts";
import { keyHash } from "../../proof/verifier.ts";
import type { GoOptions } from "./options.ts";
import { formatRecord, formatTree } from "./sumdb/texts.ts";

const VERSION = "v1.0.0";
const HOST = "canary.invalid";
const DATABASE = `sum.${HOST}`;
const TEXT = "text/plain; charset=utf-8";

/** The key of a database that vouches for nothing but canaries, and that no repository knows: it is no secret. RFC 8410 */
const KEY = createPrivateKey({
  key: Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    createHash("sha256").update(DATABASE).digest(),
  ]),
  format: "der",
  type: "pkcs8",
});

export async function canary({ old, young }: CanaryTimes): Promise<Canary<GoOptions>> {
  const answers = new Map<string, CanaryAnswer>();
  const made = await Promise.all(canaryRoles.map(async (role) => [role, await filesOf(role)]));
  const files: Record<string, Awaited<ReturnType<typeof filesOf>>> = Object.fromEntries(made);
  const packages = canaryPackages((role) => {
    const { module, mod, zip } = files[role]!;
    const Time = (role === "young" ? young : old).toISOString().replace(/\.\d+Z$/, "Z");
    const info = JSON.stringify({ Version: VERSION, Time });
    const say = (path: string, type: string, body: Uint8Array | string) =>
      answers.set(`${module}/${path}`, { type, body, role });
    say("@v/list", TEXT, `${VERSION}\n`);
    say("@latest", "application/json", info);
    say(`@v/${VERSION}.info`, "application/json", info);
    say(`@v/${VERSION}.mod`, TEXT, mod);
    say(`@v/${VERSION}.zip`, "application/zip", zip);
    return {
      name: module,
      purl: `pkg:golang/${module}`,
      asks: [
        {
          gives: "list",
          path: `/${module}/@v/list`,
          shows: (text) => text.split("\n").includes(VERSION),
        },
        {
          gives: "list",
          path: `/${module}/@latest`,
          shows: (text) => JSON.parse(text).Version === VERSION,
        },
        { gives: "description", path: `/${module}/@v/${VERSION}.info` },
        { gives: "description", path: `/${module}/@v/${VERSION}.mod` },
        { gives: "bytes", path: `/${module}/@v/${VERSION}.zip`, bytes: zip },
      ],
    };
  });
  const key = await vouch(Object.values(files), answers);
  return {
    packages,
    options: (options) => ({ ...options, noSumdb: [], sumdb: { name: DATABASE, key } }),
    unguarded: ({ sumdb }) =>
      sumdb === false
        ? "it has no checksum database (sumdb), so nothing vouches for modules"
        : null,
    upstream: canaryUpstream(answers),
  };
}

async function filesOf(role: string) {
  const module = `${HOST}/${CANARY_NAME}${role}`;
  const mod = `module ${module}\n`;
  const top = `${module}@${VERSION}/`;
  const content: Record<string, string> = { [`${top}go.mod`]: mod, [`${top}LICENSE`]: "MIT\n" };
  const sent = role === "tampered" ? { ...content, [`${top}LICENSE`]: "None\n" } : content;
  const h1 = (some: Record<string, string>) => hashOf(some);
  return { module, mod, zip: await zipOf(sent), h1: h1(content), modH1: h1({ "go.mod": mod }) };
}

async function zipOf(content: Record<string, string>): Promise<Uint8Array> {
  async function* entries() {
    for (const [name, text] of Object.entries(content)) yield { name, chunks: once(text) };
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of writeZip(entries())) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** As dirhash.ts hashes the zip that holds it. */
function hashOf(content: Record<string, string>): string {
  const sha256 = (text: string) => createHash("sha256").update(text);
  const lines = Object.keys(content)
    .sort()
    .map((name) => `${sha256(content[name]!).digest("hex")}  ${name}\n`);
  return `h1:${sha256(lines.join("")).digest("base64")}`;
}

/** Puts the database among the answers. Its verifier key. */
async function vouch(
  modules: readonly Awaited<ReturnType<typeof filesOf>>[],
  answers: Map<string, CanaryAnswer>,
): Promise<string> {
  const records = modules.map(
    ({ module, h1, modH1 }) => `${module} ${VERSION} ${h1}\n${module} ${VERSION}/go.mod ${modH1}\n`,
  );
  const leaves = records.map(recordHash);
  const at = ({ level, index }: HashAt): Uint8Array =>
    level === 0
      ? leaves[index]!
      : nodeHash(
          at({ level: level - 1, index: 2 * index }),
          at({ level: level - 1, index: 2 * index + 1 }),
        );
  const hash = await treeHash(leaves.length, async (wanted) => wanted.map(at));
  const point = createPublicKey(KEY).export({ format: "der", type: "spki" }).subarray(-32);
  const key = Buffer.concat([Uint8Array.of(1), point]);
  const id = keyHash(DATABASE, key);
  const text = formatTree({ size: leaves.length, hash });
  const signature = Buffer.alloc(4);
  signature.writeUInt32BE(id);
  const signed = Buffer.concat([signature, sign(null, Buffer.from(text), KEY)]);
  const note = `${text}\n\u2014 ${DATABASE} ${signed.toString("base64")}\n`;
  const say = (path: string, body: Uint8Array | string) =>
    answers.set(`sumdb/${DATABASE}/${path}`, { type: TEXT, body, role: null });
  const tile: Tile = { level: 0, index: 0, width: leaves.length };
  say("supported", "");
  say("latest", note);
  say(tilePath(tile), Buffer.concat(leaves));
  for (const [index, { module }] of modules.entries())
    say(`lookup/${module}@${VERSION}`, formatRecord({ id: index, text: records[index]! }) + note);
  return `${DATABASE}+${id.toString(16).padStart(8, "0")}+${key.toString("base64")}`;
}
