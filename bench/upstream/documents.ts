// Recorded documents as they are served: file URLs point back at the recorded upstream, and gzip is made once.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Recorded, Recording } from "./recording.ts";

export interface Served {
  plain: () => Uint8Array<ArrayBuffer>;
  gzip: Uint8Array<ArrayBuffer>;
  etag: string;
}

/** Manifest fields of the abbreviated packument. https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md */
const ABBREVIATED = [
  "name",
  "version",
  "deprecated",
  "dependencies",
  "optionalDependencies",
  "devDependencies",
  "bundleDependencies",
  "bundledDependencies",
  "peerDependencies",
  "peerDependenciesMeta",
  "bin",
  "directories",
  "dist",
  "engines",
  "cpu",
  "os",
  "libc",
  "_hasShrinkwrap",
  "hasInstallScript",
  "funding",
];

interface Packument {
  name: string;
  time?: Record<string, string>;
  "dist-tags": Record<string, string>;
  versions: Record<string, Record<string, unknown>>;
}

function abbreviate(text: string): string {
  const packument = JSON.parse(text) as Packument;
  const versions = Object.entries(packument.versions).map(([version, manifest]) => [
    version,
    Object.fromEntries(ABBREVIATED.filter((f) => f in manifest).map((f) => [f, manifest[f]])),
  ]);
  return JSON.stringify({
    name: packument.name,
    modified: packument.time?.["modified"] ?? new Date(0).toISOString(),
    "dist-tags": packument["dist-tags"],
    versions: Object.fromEntries(versions),
  });
}

/** The origins that a document's files are on. */
export function originsOf(text: string): string[] {
  const found = new Set<string>();
  for (const match of text.matchAll(
    /"(?:tarball|url)"\s*:\s*"(https?:\/\/[^/"]+)|href="(https?:\/\/[^/"]+)/g,
  ))
    found.add((match[1] ?? match[2])!);
  return [...found];
}

function render(text: string, base: string, abbreviated: boolean): string {
  let body = abbreviated ? abbreviate(text) : text;
  for (const origin of originsOf(body.slice(0, 5_000_000)))
    body = body
      .replaceAll(`"${origin}/`, `"${base}/`) // JSON strings and href values alike
      .replaceAll(`"${origin}"`, `"${base}"`);
  return body;
}

/** Serves documents from memory, then from files made by an earlier run for the same address. */
export function documentCache(
  recording: Recording,
  base: string,
): (recorded: Recorded, abbreviated: boolean) => Served {
  const folder = join(recording.folder, `served-${new URL(base).port}`);
  mkdirSync(folder, { recursive: true });
  const memory = new Map<string, Served>();
  return (recorded, abbreviated) => {
    const name = `${recorded.file.split("/").pop()}${abbreviated ? "-abbreviated" : ""}.gz`;
    const known = memory.get(name);
    if (known) return known;
    const file = join(folder, name);
    if (!existsSync(file)) {
      const text = readFileSync(recording.path(recorded), "utf8");
      writeFileSync(file, Bun.gzipSync(Buffer.from(render(text, base, abbreviated)), { level: 6 }));
    }
    const gzip = new Uint8Array(readFileSync(file));
    const digest = new Bun.CryptoHasher("sha1").update(gzip).digest("hex");
    const served = { gzip, etag: `"${digest}"`, plain: () => Bun.gunzipSync(gzip) };
    memory.set(name, served);
    return served;
  };
}
