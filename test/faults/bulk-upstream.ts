// An npm registry of many packages of many sizes, for what the small world is too small for: crashes, crowds, full disks.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export interface BulkUpstream {
  url: string;
  names: string[];
  /** SHA-256 of each package's only tarball. */
  digests: Map<string, string>;
  /** Paths asked, in order. */
  asked: string[];
  /** How long each tarball takes from its first to its last byte, in chunks. */
  paceMs: number;
  /** Where every tarball stops from now on, until what is said then; null: nowhere. */
  halt: Halt | null;
  stop(): Promise<void>;
}

export interface Halt {
  /** Bytes that go out before. */
  after: number;
  /** The rest is sent, other bytes are sent in its place, or the connection is cut. */
  next: Promise<"on" | "lie" | "cut">;
}

/** `sizes`: one package of one version for each, with a tarball of so many bytes. */
export function startBulk(sizes: number[]): BulkUpstream {
  const names = sizes.map((_, at) => `bulk-${at}`);
  const tarballs = new Map(sizes.map((size, at) => [names[at]!, pseudoRandom(size, at + 1)]));
  const asked: string[] = [];
  const bulk = { paceMs: 0, halt: null as Halt | null };
  // Not Bun.serve, which does not say how long a stream is.
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://upstream.example.test");
    asked.push(pathname);
    const [, name = "", dash, file] = pathname.split("/");
    const tarball = tarballs.get(name);
    if (tarball && dash === undefined) {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(packument(name, tarball, `http://${request.headers.host}`)));
    } else if (tarball && dash === "-" && file === `${name}-1.0.0.tgz`) {
      response.setHeader("content-length", tarball.length);
      pipeline(Readable.from(sent(tarball, bulk)), response).catch(() => {}); // the client has gone, or is cut
    } else response.writeHead(404).end("not found");
  });
  server.listen(0, "127.0.0.1");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
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
    get halt() {
      return bulk.halt;
    },
    set halt(value) {
      bulk.halt = value;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
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

async function* sent(
  bytes: Buffer,
  { paceMs, halt }: Pick<BulkUpstream, "paceMs" | "halt">,
): AsyncGenerator<Buffer> {
  const { after, next } = halt ?? { after: bytes.length, next: "on" };
  yield* paced(bytes.subarray(0, after), paceMs);
  const what = await next;
  if (what === "cut") throw new Error("The connection is cut, as the test wants it");
  const rest = bytes.subarray(after);
  yield* paced(what === "lie" ? Buffer.alloc(rest.length, "a lie ") : rest, paceMs);
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
