// The made-up packages of the canaries, as a registry would have them.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { writeTar } from "../../archive/tar-writer.ts";
import {
  CANARY_NAME,
  CANARY_ORIGIN,
  type Canary,
  type CanaryAnswer,
  type CanaryTimes,
  canaryPackages,
  canaryUpstream,
} from "../../core/canary.ts";
import type { NpmOptions } from "./types.ts";

const VERSION = "1.0.0";

export async function canary({ old, young }: CanaryTimes): Promise<Canary<NpmOptions>> {
  const packed = (name: string, more = "") =>
    gzipSync(
      writeTar({ "package/package.json": JSON.stringify({ name, version: VERSION }) + more }),
    );
  const answers = new Map<string, CanaryAnswer>();
  const packages = canaryPackages((role) => {
    const name = `${CANARY_NAME}${role}`;
    const vouched = packed(name);
    const bytes = role === "tampered" ? packed(name, "\n") : vouched;
    const file = `${name}/-/${name}-${VERSION}.tgz`;
    const at = (role === "young" ? young : old).toISOString();
    const integrity = `sha512-${createHash("sha512").update(vouched).digest("base64")}`;
    const release = { name, version: VERSION, dist: { tarball: CANARY_ORIGIN + file, integrity } };
    const document = {
      name,
      "dist-tags": { latest: VERSION },
      versions: { [VERSION]: release },
      time: { created: at, modified: at, [VERSION]: at },
    };
    answers.set(name, { type: "application/json", body: JSON.stringify(document), role });
    answers.set(file, { type: "application/octet-stream", body: bytes, role });
    const isListed = (text: string) => Object.hasOwn(JSON.parse(text).versions ?? {}, VERSION);
    return {
      name,
      purl: `pkg:npm/${name}`,
      asks: [
        { gives: "list", path: `/${name}`, shows: isListed },
        {
          gives: "list",
          path: `/${name}`,
          accept: "application/vnd.npm.install-v1+json",
          shows: isListed,
        },
        {
          gives: "list",
          path: `/-/package/${name}/dist-tags`,
          shows: (text) => JSON.parse(text).latest === VERSION,
        },
        {
          gives: "list",
          path: `/${name}/latest`,
          shows: (text) => JSON.parse(text).version === VERSION,
        },
        { gives: "answer", path: `/${name}/${VERSION}` },
        { gives: "bytes", path: `/${file}`, bytes },
      ],
    };
  });
  return { packages, options: (options) => options, upstream: canaryUpstream(answers) };
}
