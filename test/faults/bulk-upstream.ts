// An npm registry of many packages of many sizes, for what the small world is too small for: crashes, crowds, full disks.
import { createHash } from "node:crypto";

export interface BulkUpstream {
  url: string;
  names: string[];
  /** SHA-256 of each package's only tarball. */
  digests: Map<string, string>;
  /** Paths asked, in order. */
  asked: string[];
  /** How long each tarball takes from its first to its last byte, in chunks. */
  paceMs: number;
  stop(): Promise<void>;
}

/** `sizes`: one package of one version for each, with a tarball of so many bytes. */
export function startBulk(sizes: number[]): BulkUpstream {
  const names = sizes.map((_, at) => `bulk-${at}`);
  const tarballs = new Map(sizes.map((size, at) => [names[at]!, pseudoRandom(size, at + 1)]));
  const asked: string[] = [];
  const bulk = { paceMs: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    fetch(request) {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      const [, name = "", dash, file] = pathname.split("/");
      const tarball = tarballs.get(name);
      if (!tarball) return new Response("not found", { status: 404 });
      if (dash === undefined)
        return Response.json(packument(name, tarball, new URL(request.url).origin));
      if (dash !== "-" || file !== `${name}-1.0.0.tgz`)
        return new Response("not found", { status: 404 });
      return new Response(paced(tarball, bulk.paceMs) as unknown as BodyInit, {
        headers: { "content-length": String(tarball.length) },
      });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/`,
    names,
    digests: new Map(
      [...tarballs].map(([name, bytes]) => [
        name,
        createHash("sha256").update(bytes).digest("hex"),
      ]),
    ),
    asked,
    get paceMs() {
      return bulk.paceMs;
    },
    set paceMs(value) {
      bulk.paceMs = value;
    },
    stop: () => server.stop(true),
  };
}

/** A configuration with this registry alone. */
export function bulkConfig(upstream: BulkUpstream, more = ""): string {
  return `repositories:\n  npm: { upstreams: [{ url: "${upstream.url}" }] }\n  pypi: false\n  go: false\n${more}`;
}

function packument(name: string, tarball: Buffer, origin: string) {
  const dist = {
    integrity: `sha512-${createHash("sha512").update(tarball).digest("base64")}`,
    shasum: createHash("sha1").update(tarball).digest("hex"),
    tarball: `${origin}/${name}/-/${name}-1.0.0.tgz`,
  };
  return {
    name,
    "dist-tags": { latest: "1.0.0" },
    versions: { "1.0.0": { name, version: "1.0.0", dist } },
  };
}

async function* paced(bytes: Buffer, paceMs: number): AsyncGenerator<Buffer> {
  const step = paceMs > 0 ? Math.max(64 * 1024, Math.ceil(bytes.length / 20)) : bytes.length;
  for (let at = 0; at < bytes.length; at += step) {
    if (paceMs > 0) await Bun.sleep(paceMs / 20);
    yield bytes.subarray(at, at + step);
  }
}

/** Bytes that do not compress, the same on every run. */
function pseudoRandom(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed * 2654435761;
  for (let at = 0; at + 4 <= size; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state | 0, at);
  }
  return bytes;
}
