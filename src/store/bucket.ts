// A bucket that speaks S3, as the store needs it: objects by their names below a prefix. https://docs.aws.amazon.com/AmazonS3/latest/API/
import { type Ask, type BucketTimes, createAsk } from "./bucket-ask.ts";
import { awayProblem, type BucketPlace, nameOf } from "./bucket-place.ts";
import { escaped, tagOf } from "./bucket-xml.ts";

export type { BucketTimes } from "./bucket-ask.ts";
export type { BucketPlace } from "./bucket-place.ts";

export interface ObjectStat {
  size: number;
  /** Milliseconds since the epoch, by the bucket's clock. */
  changedAt: number;
  /** Another one when the object was replaced. */
  etag: string;
}

export interface BucketObject extends ObjectStat {
  /** To be read to the end, or returned. Throws Problem("busy") when they stop. */
  chunks: AsyncGenerator<Uint8Array>;
}

/** On what an object is written. Unmet, nothing is. */
export type Condition = "isNew" | { etag: string };

/**
 * Each of these throws Problem("busy") when the bucket cannot be asked or refuses to do it, and Problem("full") when it has no room: "there is none" is said
 * only where the bucket says so of the object.
 */
export interface Bucket {
  /** For people. */
  readonly name: string;
  stat(path: string): Promise<ObjectStat | null>;
  /** Without its first `from` bytes: `size` then is that of the rest, which has one at least. */
  get(path: string, from?: number): Promise<BucketObject | null>;
  /** All of a small object. */
  read(path: string, limit: number): Promise<{ bytes: Uint8Array; etag: string } | null>;
  /** It is there for good when this resolves, whole, and in place of what was there. False where the condition is not met. */
  put(path: string, bytes: Uint8Array, sha256: string, condition?: Condition): Promise<boolean>;
  /** Begins an object that comes in parts. It is there when `finish` resolves, and not before. */
  begin(path: string): Promise<Upload>;
  remove(path: string): Promise<void>;
  /** All below `path`, by name. */
  list(path: string): AsyncGenerator<ObjectStat & { path: string }>;
  /** A URL by which whoever has it can read the object, for so long. */
  link: Ask["link"];
}

export interface Upload {
  /** Parts are counted from 1; each but the last has 5 MiB at least. */
  part(number: number, bytes: Uint8Array, sha256: string): Promise<void>;
  finish(): Promise<void>;
  /** Lets go of what came; the bucket's own rule may have to do it where this cannot be said. */
  abandon(): Promise<void>;
}

const MISSING = [404];
const WORDLESS = [301, 307, 400, 403, 404];
/** A condition is not met: something is there, or something else, or nothing. Another write at the same moment (409) is waited for. */
const UNMET = [404, 412];

export function openBucket(place: BucketPlace, times: Partial<BucketTimes> = {}): Bucket {
  const ask = createAsk(place, times);
  const prefix = place.prefix === "" ? "" : `${place.prefix}/`;

  const notItself = (code: string) =>
    awayProblem(place, `is not what answers at ${place.endpoint} (404 ${code})`);

  async function stat(path: string): Promise<ObjectStat | null> {
    const answer = await ask({ method: "HEAD", path }, WORDLESS);
    if (answer.status < 300) return statOf(answer.headers);
    // Only the status is told: it is the same where there is no such bucket.
    const again = await get(path);
    await again?.chunks.return(undefined);
    return again;
  }

  async function get(path: string, from = 0): Promise<BucketObject | null> {
    const part = from > 0 ? { headers: { range: `bytes=${from}-` } } : {};
    const { status, code, headers, chunks } = await ask({ method: "GET", path, ...part }, MISSING);
    if (from > 0 && status === 200) {
      await chunks.return(undefined);
      throw awayProblem(place, "gives no parts of objects");
    }
    if (status !== 404) return { ...statOf(headers), chunks };
    if (code !== "NoSuchKey") throw notItself(code);
    return null;
  }

  async function begin(path: string): Promise<Upload> {
    const { text } = await ask({ method: "POST", path, query: { uploads: "" } });
    const uploadId = tagOf(text, "UploadId");
    if (uploadId === null) throw awayProblem(place, "does not say how an upload goes on");
    const etags: string[] = [];
    return {
      async part(number, bytes, sha256) {
        const query = { partNumber: String(number), uploadId };
        const { headers } = await ask({ method: "PUT", path, query, ...sent(bytes, sha256) });
        etags[number] = headers.get("etag") ?? "";
      },
      async finish() {
        const parts = etags.flatMap(
          (etag, number) =>
            `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`,
        );
        const bytes = Buffer.from(
          `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`,
        );
        const sha256 = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
        const query = { uploadId };
        const { status, text } = await ask(
          { method: "POST", path, query, ...sent(bytes, sha256) },
          MISSING,
        );
        if (status < 300 && !/<CompleteMultipartUploadResult[\s>]/.test(text))
          throw awayProblem(place, "does not say that an upload is finished");
        // The answer to the first try may have been lost: then there is no such upload any more, and the object is there.
        if (status === 404 && !(await stat(path)))
          throw awayProblem(place, "has lost what was uploaded");
      },
      async abandon() {
        await ask({ method: "DELETE", path, query: { uploadId } }, MISSING);
      },
    };
  }

  async function* list(path: string) {
    let token: string | null = null;
    do {
      const { text }: { text: string } = await ask({
        method: "GET",
        path: "",
        query: {
          "list-type": "2",
          prefix: `${prefix}${path}`,
          "max-keys": "1000",
          ...(token !== null && { "continuation-token": token }),
        },
      });
      // A page of anything else has no objects either, and is not taken for a bucket with none.
      if (!/<ListBucketResult[\s/>]/.test(text))
        throw awayProblem(place, `is not what answers at ${place.endpoint} (to a list)`);
      for (const [, entry = ""] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
        const key = tagOf(entry, "Key");
        if (!key?.startsWith(prefix)) continue;
        yield {
          path: key.slice(prefix.length),
          size: Number(tagOf(entry, "Size")),
          changedAt: Date.parse(tagOf(entry, "LastModified") ?? ""),
          etag: tagOf(entry, "ETag") ?? "",
        };
      }
      const isMore = tagOf(text, "IsTruncated") === "true";
      const next = isMore ? tagOf(text, "NextContinuationToken") : null;
      if (isMore && (!next || next === token))
        throw awayProblem(place, "does not say how a list goes on: it must know ListObjectsV2");
      token = next;
    } while (token !== null);
  }

  return {
    name: nameOf(place),
    stat,
    get,
    async read(path, limit) {
      const found = await get(path);
      if (!found) return null;
      const parts: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of found.chunks) {
        size += chunk.length;
        if (size > limit) throw awayProblem(place, `has more at ${path} than belongs there`);
        parts.push(chunk);
      }
      return { bytes: new Uint8Array(Buffer.concat(parts)), etag: found.etag };
    },
    async put(path, bytes, sha256, condition) {
      const question = { method: "PUT", path, ...sent(bytes, sha256) } as const;
      if (condition === undefined) {
        await ask(question);
        return true;
      }
      const headers: Record<string, string> =
        condition === "isNew" ? { "if-none-match": "*" } : { "if-match": condition.etag };
      const { status, code } = await ask({ ...question, headers, isOnce: true }, UNMET);
      if (status === 404 && code !== "NoSuchKey") throw notItself(code);
      return status < 300;
    },
    begin,
    async remove(path) {
      await ask({ method: "DELETE", path }, MISSING);
    },
    list,
    link: ask.link,
  };
}

function sent(bytes: Uint8Array, sha256: string) {
  return { body: bytes as Uint8Array<ArrayBuffer>, sha256 };
}

function statOf(headers: Headers): ObjectStat {
  return {
    size: Number(headers.get("content-length")),
    changedAt: Date.parse(headers.get("last-modified") ?? ""),
    etag: headers.get("etag") ?? "",
  };
}
