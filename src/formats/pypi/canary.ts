// The made-up projects of the canaries, as an index would have them.
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
import type { PypiOptions } from "./options.ts";

const JSON_PAGE = "application/vnd.pypi.simple.v1+json";
const VERSION = "1.0";

export async function canary({ old, young }: CanaryTimes): Promise<Canary<PypiOptions>> {
  const answers = new Map<string, CanaryAnswer>();
  const packages = canaryPackages((role) => {
    const name = `${CANARY_NAME}${role}`;
    const top = `${name.replaceAll("-", "_")}-${VERSION}`;
    const packed = (more = "") =>
      gzipSync(
        writeTar({
          [`${top}/PKG-INFO`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${VERSION}\n${more}`,
        }),
      );
    const vouched = packed();
    const bytes = role === "tampered" ? packed("Summary: another\n") : vouched;
    const filename = `${top}.tar.gz`;
    const sha256 = createHash("sha256").update(vouched).digest("hex");
    const at = (role === "young" ? young : old).toISOString();
    const file = { filename, url: CANARY_ORIGIN + filename, size: vouched.length };
    const page = {
      meta: { "api-version": "1.1" },
      name,
      versions: [VERSION],
      files: [{ ...file, hashes: { sha256 }, "upload-time": at }],
    };
    const release = {
      info: { name, version: VERSION },
      urls: [{ ...file, digests: { sha256 }, upload_time_iso_8601: at }],
    };
    const json = JSON.stringify(release);
    answers.set(`simple/${name}/`, { type: JSON_PAGE, body: JSON.stringify(page), role });
    for (const path of [`pypi/${name}/json`, `pypi/${name}/${VERSION}/json`])
      answers.set(path, { type: "application/json", body: json, role });
    answers.set(filename, { type: "application/octet-stream", body: bytes, role });
    return {
      name,
      purl: `pkg:pypi/${name}`,
      asks: [
        {
          gives: "list",
          path: `/simple/${name}/`,
          accept: JSON_PAGE,
          // What is held is shown as yanked.
          shows: (text) =>
            JSON.parse(text).files.some(
              (one: { filename: string; yanked?: unknown }) =>
                one.filename === filename && !one.yanked,
            ),
        },
        {
          gives: "list",
          path: `/simple/${name}/`,
          accept: "text/html",
          shows: (text) => {
            const line = text.split("\n").find((one) => one.includes(filename));
            return line !== undefined && !line.includes("data-yanked");
          },
        },
        { gives: "description", path: `/pypi/${name}/json` },
        { gives: "description", path: `/pypi/${name}/${VERSION}/json` },
        { gives: "bytes", path: `/files/${name}/${filename}`, bytes },
      ],
    };
  });
  return {
    packages,
    options: (options) => ({ ...options, simplePath: "simple/" }),
    upstream: canaryUpstream(answers),
  };
}
