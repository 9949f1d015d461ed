// The made-up packages of the canaries, as a Composer repository would have them.
import { createHash } from "node:crypto";
import { writeZip } from "../../archive/zip-writer.ts";
import {
  CANARY_NAME,
  CANARY_ORIGIN,
  type Canary,
  type CanaryAnswer,
  type CanaryTimes,
  canaryPackages,
  canaryRoles,
  canaryUpstream,
} from "../../core/canary.ts";
import type { ComposerOptions } from "./options.ts";

const VENDOR = "holdfast-canary";
const VERSION = "1.0.0";
const JSON_TYPE = "application/json";

export async function canary({ old, young }: CanaryTimes): Promise<Canary<ComposerOptions>> {
  const answers = new Map<string, CanaryAnswer>();
  const root = { packages: [], "metadata-url": `${CANARY_ORIGIN}p2/%package%.json` };
  answers.set("packages.json", { type: JSON_TYPE, body: JSON.stringify(root), role: null });
  const zips: Record<string, Uint8Array> = {};
  for (const role of [...canaryRoles, "other"]) zips[role] = await zipOf(nameOf(role));
  const packages = canaryPackages((role) => {
    const name = nameOf(role);
    const reference = sha1(name);
    const bytes = zips[role === "tampered" ? "other" : role]!;
    const place = `zip/${name}`;
    const release = {
      name,
      version: VERSION,
      version_normalized: `${VERSION}.0`,
      type: "library",
      license: ["MIT"],
      time: (role === "young" ? young : old).toISOString().replace(/\.\d+Z$/, "+00:00"),
      dist: { type: "zip", url: CANARY_ORIGIN + place, reference, shasum: sha1(zips[role]!) },
    };
    const body = JSON.stringify({ packages: { [name]: [release] } });
    answers.set(`p2/${name}.json`, { type: JSON_TYPE, body, role });
    answers.set(place, { type: "application/zip", body: bytes, role });
    return {
      name,
      purl: `pkg:composer/${name}`,
      asks: [
        {
          gives: "list",
          path: `/p2/${name}.json`,
          shows: (text) =>
            (JSON.parse(text).packages?.[name] ?? []).some(
              ({ version }: { version?: string }) => version === VERSION,
            ),
        },
        { gives: "bytes", path: `/dists/${name}/${VERSION}.0/${reference}.zip`, bytes },
      ],
    };
  });
  return {
    packages,
    options: (options) => ({ ...options, instead: [] }),
    upstream: canaryUpstream(answers),
  };
}

function nameOf(role: string): string {
  return `${VENDOR}/${CANARY_NAME}${role}`;
}

function sha1(bytes: Uint8Array | string): string {
  return createHash("sha1").update(bytes).digest("hex");
}

async function zipOf(name: string): Promise<Uint8Array> {
  async function* entries() {
    yield { name: "canary/composer.json", chunks: once(JSON.stringify({ name })) };
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of writeZip(entries())) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
