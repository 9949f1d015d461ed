// A service that speaks S3, in memory, with the oddities of some that are met: for what the gateway of the tests does not do.
import { createHash } from "node:crypto";

export interface FakeBucketHabits {
  /** Headers that it takes no notice of, in lower case. */
  ignores: readonly string[];
  /** Answers in place of what it would: the word of S3 and the status, or null to go on. */
  refuses: (request: Request, body: Uint8Array) => { status: number; code: string } | null;
  /** What it has of the object that is given back. */
  altered: (bytes: Uint8Array) => Uint8Array;
  /** How its clock goes. Milliseconds ahead. */
  ahead: number;
  /** Between looking at the condition in this header and writing. Milliseconds. */
  gap: { "if-match"?: number; "if-none-match"?: number };
  /** Names of a page of a list. */
  page: number;
}

export interface FakeBucket {
  /** Without a trailing slash. */
  readonly endpoint: string;
  /** Each question: method, path with its query, and headers. */
  readonly asked: Request[];
  /** The objects of all buckets, by `/BUCKET/NAME`. */
  readonly objects: Map<string, Uint8Array>;
  /** From now on. */
  set(habits: Partial<FakeBucketHabits>): void;
  stop(): Promise<void>;
}

interface Stored {
  etag: string;
  at: number;
}

/** Each bucket is there; each key is let in. */
export function startFakeBucket(given: Partial<FakeBucketHabits> = {}): FakeBucket {
  let habits: FakeBucketHabits = {
    ...{
      ignores: [],
      refuses: () => null,
      altered: (bytes) => bytes,
      ahead: 0,
      gap: {},
      page: 1000,
    },
    ...given,
  };
  const asked: Request[] = [];
  const objects = new Map<string, Uint8Array>();
  const stored = new Map<string, Stored>();
  const uploads = new Map<string, Map<number, Uint8Array>>();

  function keep(path: string, bytes: Uint8Array): Response {
    const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    objects.set(path, bytes);
    stored.set(path, { etag, at: Date.now() + habits.ahead });
    return new Response(null, { headers: { etag } });
  }

  async function put(
    path: string,
    bytes: Uint8Array,
    header: (name: string) => string | null,
  ): Promise<Response> {
    if (header("if-none-match") === "*" && objects.has(path))
      return error(412, "PreconditionFailed");
    const match = header("if-match");
    const isConditional = match !== null || header("if-none-match") !== null;
    if (match !== null && !objects.has(path)) return error(404, "NoSuchKey");
    if (match !== null && stored.get(path)?.etag !== match) return error(412, "PreconditionFailed");
    const gap = habits.gap[match === null ? "if-none-match" : "if-match"];
    if (isConditional && gap) await Bun.sleep(gap);
    return keep(path, bytes);
  }

  function get(path: string, isHead: boolean): Response {
    const bytes = objects.get(path);
    const of = stored.get(path);
    if (!bytes || !of)
      return isHead ? new Response(null, { status: 404 }) : error(404, "NoSuchKey");
    const headers = { etag: of.etag, "last-modified": new Date(of.at).toUTCString() };
    const sent = habits.altered(bytes);
    if (isHead)
      return new Response(null, { headers: { ...headers, "content-length": `${sent.length}` } });
    return new Response(sent as Uint8Array<ArrayBuffer>, { headers });
  }

  function list(bucket: string, query: URLSearchParams): Response {
    const from = query.get("continuation-token") ?? "";
    const names = [...objects.keys()]
      .filter((path) => path.startsWith(`${bucket}/${query.get("prefix") ?? ""}`))
      .map((path) => path.slice(bucket.length + 1))
      .filter((name) => name > from)
      .toSorted();
    const page = names.slice(0, habits.page);
    const isMore = page.length < names.length;
    const entries = page.map((name) => {
      const { etag, at } = stored.get(`${bucket}/${name}`)!;
      const size = objects.get(`${bucket}/${name}`)!.length;
      return `<Contents><Key>${name}</Key><LastModified>${new Date(at).toISOString()}</LastModified><ETag>${etag.replaceAll('"', "&quot;")}</ETag><Size>${size}</Size></Contents>`;
    });
    const next = isMore ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "";
    return new Response(
      `<ListBucketResult>${entries.join("")}<IsTruncated>${isMore}</IsTruncated>${next}</ListBucketResult>`,
    );
  }

  function inParts(
    method: string,
    path: string,
    query: URLSearchParams,
    bytes: Uint8Array,
  ): Response {
    if (query.has("uploads")) {
      const id = `${uploads.size + 1}`;
      uploads.set(id, new Map());
      return new Response(`<Initiated><UploadId>${id}</UploadId></Initiated>`);
    }
    const id = query.get("uploadId") ?? "";
    const parts = uploads.get(id);
    if (!parts) return error(404, "NoSuchUpload");
    if (method === "PUT") {
      parts.set(Number(query.get("partNumber")), bytes);
      return new Response(null, { headers: { etag: '"part"' } });
    }
    uploads.delete(id);
    if (method === "DELETE") return new Response(null, { status: 204 });
    keep(
      path,
      Buffer.concat([...parts.entries()].toSorted(([a], [b]) => a - b).map(([, one]) => one)),
    );
    return new Response("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
  }

  async function answer(request: Request): Promise<Response> {
    const { pathname, searchParams: query } = new URL(request.url);
    const { method } = request;
    asked.push(request.clone());
    const bytes = new Uint8Array(await request.arrayBuffer());
    const refused = habits.refuses(request, bytes);
    if (refused)
      return method === "HEAD"
        ? new Response(null, { status: refused.status })
        : error(refused.status, refused.code);
    const header = (name: string) =>
      habits.ignores.includes(name) ? null : request.headers.get(name);
    const claimed = header("x-amz-content-sha256");
    if (claimed !== null && claimed !== createHash("sha256").update(bytes).digest("hex"))
      return error(400, "XAmzContentSHA256Mismatch");
    const md5 = header("content-md5");
    if (md5 !== null && md5 !== createHash("md5").update(bytes).digest("base64"))
      return error(400, "BadDigest");
    if (query.has("uploads") || query.has("uploadId"))
      return inParts(method, pathname, query, bytes);
    if (query.has("list-type")) return list(pathname.replace(/\/$/, ""), query);
    if (method === "PUT") return put(pathname, bytes, header);
    if (method === "DELETE") {
      objects.delete(pathname);
      return new Response(null, { status: 204 });
    }
    return get(pathname, method === "HEAD");
  }

  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  return {
    endpoint: `http://127.0.0.1:${server.port}`,
    ...{ asked, objects },
    set(change) {
      habits = { ...habits, ...change };
    },
    stop: () => server.stop(true),
  };
}

function error(status: number, code: string): Response {
  return new Response(
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>In words</Message></Error>`,
    { status },
  );
}
