// A repository that holds nothing but what is published in it, for the tests of this format.
import { createHash } from "node:crypto";
import type { DocumentRef } from "../../../core/document.ts";
import type { HostedPackage } from "../../../core/hosted.ts";
import type { Hosting, NewFile, Upload } from "../../../core/hosting.ts";
import { Problem } from "../../../core/problem.ts";
import type { Reply } from "../../../core/reply.ts";
import { bodyParts, serviceOf } from "../../../core/testkit.ts";
import { packumentRef, versionRef } from "../documents.ts";
import { npm } from "../index.ts";
import type { NpmOptions } from "../types.ts";
import { createFakeAccounts } from "./accounts.ts";
import { FakeRepository, request } from "./repository.ts";

export function hostedRepository(options: Partial<NpmOptions> = {}) {
  const packages = new Map<string, HostedPackage>();
  const calls: string[] = [];
  /** Uploads that were neither published nor discarded. */
  const open = new Set<Upload>();
  const pins = new Map<string, string>();
  const at = { publishedAt: Date.UTC(2026, 10, 26, 12), publishedBy: "ann" };
  const accounts = createFakeAccounts();

  function found(name: string, expected?: number): HostedPackage {
    const hosted = packages.get(name);
    if (!hosted) throw new Problem("notFound", `${name} is not published here`);
    if (expected !== undefined && expected !== hosted.revision)
      throw new Problem("conflict", `${name} was changed meanwhile`);
    return hosted;
  }

  function put(hosted: HostedPackage, version: string, metadata: unknown, made: NewFile): boolean {
    let release = hosted.releases.find((one) => one.version === version);
    const { file, kind, upload } = made;
    if (release?.files.some((one) => one.file === file)) return false;
    if (!release) {
      release = { version, ...at, metadata, yanked: null, files: [] };
      hosted.releases.push(release);
    }
    const { sha256, size } = upload;
    release.files.push({ file, kind, version, sha256, size, metadata: made.metadata, ...at });
    pins.set(file, sha256);
    return true;
  }

  const hosting: Hosting = {
    owns: (name) => packages.has(name),
    read: async (name) => packages.get(name) ?? null,
    search: async (text) => [...packages.keys()].filter((name) => name.includes(text)).sort(),
    async admit(name, size) {
      calls.push(`admit ${name} ${size}`);
    },
    async receive(name, chunks, _limit, algorithms = []) {
      calls.push(`receive ${name}`);
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(Buffer.from(chunk));
      const bytes = Buffer.concat(parts);
      const digest = (name: string, form: "hex" | "base64") =>
        createHash(name).update(bytes).digest(form);
      const upload: Upload = {
        sha256: digest("sha256", "hex"),
        size: bytes.length,
        digests: Object.fromEntries(algorithms.map((name) => [name, digest(name, "base64")])),
        open: async () => ({
          size: bytes.length,
          read: async (offset, length) => bytes.subarray(offset, offset + length),
          close: async () => {},
        }),
        discard: async () => void open.delete(upload),
      };
      open.add(upload);
      return upload;
    },
    async setAside() {
      throw new Error("npm sets nothing aside");
    },
    aside: async () => new Map(),
    async publish({ package: name, version, metadata, files, state }) {
      for (const { file, upload } of files)
        if (pins.has(file) && pins.get(file) !== upload.sha256)
          throw new Problem("conflict", `${file} has other bytes`, { rule: "immutable" });
      const made = { createdAt: at.publishedAt, createdBy: "ann", changedAt: at.publishedAt };
      const hosted = packages.get(name) ?? { name, revision: 0, ...made, state: {}, releases: [] };
      packages.set(name, hosted);
      const isNew = files.map((file) => put(hosted, version, metadata, file)).includes(true);
      if (isNew) {
        hosted.revision += 1;
        hosted.state = state ? state(hosted.state) : hosted.state;
      }
      return { isNew, revision: hosted.revision };
    },
    async change(name, what, change, expected) {
      const hosted = found(name, expected);
      const { state, releases = [] } = change(hosted);
      calls.push(`${what.name} ${name}`);
      if (state) hosted.state = state;
      for (const { version, ...more } of releases)
        Object.assign(hosted.releases.find((one) => one.version === version)!, more);
      hosted.revision += 1;
      return hosted;
    },
    async remove(name, parts, expected) {
      const hosted = found(name, expected);
      const gone = [parts].flat().map(({ version }) => version ?? "whole");
      calls.push(`remove ${name} ${gone.join(" ")}`);
      const before = hosted.releases.length;
      hosted.releases = gone.includes("whole")
        ? []
        : hosted.releases.filter(({ version }) => !gone.includes(version));
      hosted.revision += 1;
      return { files: before - hosted.releases.length };
    },
  };

  const fake = new FakeRepository();
  const repository = Object.assign(fake, {
    hosting,
    accounts,
    options: { ...fake.options, ...options },
    work: async <T>(task: string, options: unknown) =>
      (await npm.tasks![task]!({ options, files: [], async write() {} })) as T,
  });

  function send(
    method: string,
    path: string,
    json?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const [plain = "", query = ""] = path.split("?");
    const route = npm.parse(method, plain);
    if (!route) throw new Error(`no route for ${method} ${path}`);
    const text = json === undefined ? "" : JSON.stringify(json);
    const all = { "content-length": String(text.length), ...headers };
    const asked = request({ method, path: plain, query, headers: all, ...bodyParts(text) });
    return serviceOf(npm, repository).serve(route, asked, repository);
  }

  function composed(ref: DocumentRef): any {
    return JSON.parse(npm.documents[ref.kind]!.compose!(packages.get(ref.package)!, ref)!);
  }

  return {
    repository,
    accounts,
    packages,
    calls,
    open,
    send,
    packument: (name = "@reef/six") => composed(packumentRef(name)),
    manifest: (name = "@reef/six", version = "1.0.0") => composed(versionRef(name, version)),
  };
}
