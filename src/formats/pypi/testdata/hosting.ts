// Publishing in memory, for the tests of this format: everything that `Hosting` promises but the disk.
import { createHash } from "node:crypto";
import type { HostedPackage } from "../../../core/hosted.ts";
import type { Hosting, NewFile, Upload } from "../../../core/hosting.ts";
import { Problem } from "../../../core/problem.ts";

export interface FakeHosting extends Hosting {
  readonly packages: Map<string, HostedPackage>;
  /** The bytes of each published file. */
  readonly bytes: Map<string, Buffer>;
  /** What was called, in order: "admit six", "receive six". */
  readonly calls: string[];
  /** Uploads that were neither published nor discarded. */
  readonly open: Set<Upload>;
  /** Names that the caller may not publish. */
  readonly forbidden: Set<string>;
}

const SECOND = 1_000;

export function createFakeHosting(): FakeHosting {
  const packages = new Map<string, HostedPackage>();
  const bytes = new Map<string, Buffer>();
  const calls: string[] = [];
  const open = new Set<Upload>();
  const forbidden = new Set<string>();
  const contents = new Map<Upload, Buffer>();
  /** Of all that was ever published. */
  const pins = new Map<string, string>();
  let clock = Date.UTC(2026, 10, 26, 12);

  function permit(name: string | null): void {
    if (name !== null && forbidden.has(name)) throw new Problem("forbidden", `ann may not publish ${name}`);
  }

  function found(name: string): HostedPackage {
    const hosted = packages.get(name);
    if (!hosted) throw new Problem("notFound", `${name} is not published here`);
    return hosted;
  }

  function put(hosted: HostedPackage, version: string, metadata: unknown, made: NewFile): boolean {
    let release = hosted.releases.find((one) => one.version === version);
    const { upload, file, kind } = made;
    if (release?.files.some((one) => one.file === file)) return false;
    if (!release) {
      release = { version, publishedAt: clock, publishedBy: "ann", metadata, yanked: null, files: [] };
      hosted.releases.push(release);
    }
    const { sha256, size } = upload;
    const by = { publishedAt: clock, publishedBy: "ann" };
    release.files.push({ file, kind, version, sha256, size, metadata: made.metadata, ...by });
    bytes.set(file, contents.get(upload)!);
    pins.set(file, sha256);
    return true;
  }

  return {
    packages,
    bytes,
    calls,
    open,
    forbidden,
    owns: (name) => packages.has(name),
    read: async (name) => packages.get(name) ?? null,
    search: async (text) => [...packages.keys()].filter((name) => name.includes(text)).sort(),
    async admit(name) {
      calls.push(`admit ${name}`);
      permit(name);
    },
    async receive(name, chunks, limit, algorithms = []) {
      calls.push(`receive ${name}`);
      permit(name);
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(Buffer.from(chunk));
      const content = Buffer.concat(parts);
      if (content.length > limit) throw new Problem("tooLarge", "too large");
      const digest = (name: string, form: "hex" | "base64") => createHash(name).update(content).digest(form);
      const upload: Upload = {
        sha256: digest("sha256", "hex"),
        size: content.length,
        digests: Object.fromEntries(algorithms.map((name) => [name, digest(name, "base64")])),
        open: async () => ({
          size: content.length,
          read: async (offset, length) => content.subarray(offset, offset + length),
          close: async () => {},
        }),
        discard: async () => void open.delete(upload),
      };
      contents.set(upload, content);
      open.add(upload);
      return upload;
    },
    async setAside() {
      throw new Error("PyPI sets nothing aside");
    },
    aside: async () => new Map(),
    async publish({ package: name, version, metadata, files }) {
      permit(name);
      for (const { file, upload } of files)
        if (pins.has(file) && pins.get(file) !== upload.sha256)
          throw new Problem("conflict", `${file} was published with other bytes`, { rule: "immutable" });
      const at = { createdAt: clock, createdBy: "ann", changedAt: clock };
      const hosted = packages.get(name) ?? { name, revision: 0, ...at, state: {}, releases: [] };
      packages.set(name, hosted);
      const isNew = files.map((file) => put(hosted, version, metadata, file)).includes(true);
      if (isNew) hosted.revision += 1;
      clock += SECOND;
      return { isNew, package: hosted, revision: hosted.revision };
    },
    async change(name, what, change) {
      calls.push(`${what.action} ${name}`);
      const hosted = found(name);
      for (const { version, ...more } of change(hosted).releases ?? [])
        Object.assign(hosted.releases.find((one) => one.version === version)!, more);
      hosted.revision += 1;
      return hosted;
    },
    async remove(name, parts) {
      const hosted = found(name);
      let files = 0;
      for (const { version, file } of [parts].flat())
        for (const release of hosted.releases) {
          const left = release.files.filter(
            (one) => (version && release.version !== version) || (file && one.file !== file),
          );
          files += release.files.length - left.length;
          release.files = left;
        }
      hosted.releases = hosted.releases.filter((release) => release.files.length > 0);
      hosted.revision += 1;
      return { files };
    },
  };
}
