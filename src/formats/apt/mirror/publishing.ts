// For the tests of operations: what a vendor puts in the place of a fake repository's upstream.
import { gzipSync } from "node:zlib";
import { type FakeRepository, sha256 } from "./testing.ts";

/** The repository of one suite, as its vendor would publish it. */
export interface Publication {
  /** "dists/stable" unless told. */
  suite?: string;
  /** Days after the first of 2026. */
  day: number;
  byHash?: boolean;
  /** By component and architecture ("main/binary-amd64"), the packages: name, version and content. */
  packages: Record<string, [name: string, version: string, content: string, section?: string][]>;
  /** Other indices by path: "main/i18n/Translation-en". */
  others?: Record<string, string>;
}

/** Puts a publication in the place of the one before. Pool files that were there stay. */
export function publish(
  repository: Pick<FakeRepository<unknown>, "upstream">,
  { suite = "dists/stable", day, byHash = false, packages, others = {} }: Publication,
): void {
  const { upstream } = repository;
  const indices = new Map<string, Uint8Array>();
  for (const [path, text] of Object.entries(others)) indices.set(path, Buffer.from(text));
  for (const [folder, list] of Object.entries(packages)) {
    const stanzas = list.map(([name, version, content, section = "net"]) => {
      const path = poolFile(name, version);
      upstream.set(path, content);
      return `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nSection: ${section}\nFilename: ${path}\nSize: ${content.length}\nSHA256: ${sha256(content)}\n`;
    });
    const text = Buffer.from(stanzas.join("\n"));
    indices.set(`${folder}/Packages`, text);
    indices.set(`${folder}/Packages.gz`, gzipSync(text));
  }
  const lines: string[] = [];
  for (const [path, bytes] of indices) {
    lines.push(` ${sha256(bytes)} ${bytes.length} ${path}`);
    upstream.set(`${suite}/${path}`, bytes);
    const folder = path.slice(0, path.lastIndexOf("/"));
    if (byHash) upstream.set(`${suite}/${folder}/by-hash/SHA256/${sha256(bytes)}`, bytes);
  }
  const date = new Date(Date.UTC(2026, 0, 1 + day)).toUTCString().replace("GMT", "UTC");
  upstream.set(
    `${suite}/Release`,
    `Origin: Vendor\nSuite: stable\nDate: ${date}\nAcquire-By-Hash: ${byHash ? "yes" : "no"}\nSHA256:\n${lines.join("\n")}\n`,
  );
}

export function poolFile(name: string, version: string): string {
  return `pool/main/${name[0]}/${name}/${name}_${version}_amd64.deb`;
}

/** The upstream answers everything with a page of its own. */
export function captivePortal(repository: Pick<FakeRepository<unknown>, "upstream">): void {
  for (const path of repository.upstream.keys())
    repository.upstream.set(path, "<!DOCTYPE html><title>Please sign in</title>");
}
