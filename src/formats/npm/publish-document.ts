// What a client sends to publish: one JSON document that carries the tarball in base64 (`npm publish`). The tarball goes to disk as it comes.
import type { Upload } from "../../core/hosting.ts";
import { readJsonTexts } from "../../core/json-texts.ts";
import { Problem } from "../../core/problem.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { isObject } from "./types.ts";

/** All that is not the tarball: a readme, manifests of as many versions as a packument has. Bytes. */
const FIELDS = 16 * 1024 * 1024;
/** Of the document, and of its attachments and what each says: clients send a dozen. */
const MEMBERS = 1_000;
/** Of the tarball; a repository may have a smaller limit of its own. */
const TARBALL = 5 * 1024 ** 3;

export interface Attachment {
  file: string;
  /** What the client says of it. */
  said: Record<string, unknown>;
  upload: Upload;
}

export interface PublishDocument {
  fields: Record<string, unknown>;
  tarball: Attachment | null;
  /** Provenance bundles, which come as plain text. */
  others: { file: string; text: string }[];
}

/** Reads it to its end. Whoever gets it discards the tarball, or publishes it. Throws a Problem. */
export async function readPublishDocument(
  name: string,
  request: Request,
  repository: Repository,
): Promise<PublishDocument> {
  const fields: Record<string, unknown> = {};
  const said = new Map<string, Record<string, unknown>>();
  const others: PublishDocument["others"] = [];
  let tarball: { file: string; upload: Upload } | null = null;
  let members = 0;
  let isCarrying = false;
  /** Bytes that came, less those of the tarball's text. */
  let beside = 0;
  const tooLarge = () => new Problem("tooLarge", "The document has too much beside its tarball");
  async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      beside += chunk.length;
      // A tarball's text is taken off as it is read, which is a chunk later.
      if (beside - chunk.length > FIELDS) throw tooLarge();
      yield chunk;
    }
  }
  try {
    const body = counted(request.stream(Math.ceil((TARBALL * 4) / 3) + FIELDS));
    const isTarball = (file: string, key: string) => file.endsWith(".tgz") && key === "data";
    for await (const event of readJsonTexts(body, "_attachments", isTarball, FIELDS)) {
      if (++members > MEMBERS) throw tooLarge();
      if (event.kind === "field" ? event.key === "_attachments" : true) isCarrying = true;
      if (event.kind === "field") {
        if (event.key !== "__proto__") fields[event.key] = event.value;
      } else if (event.kind === "member") {
        const { entry, key, value } = event;
        said.set(entry, { ...said.get(entry), [key]: value });
        if (key === "data" && typeof value === "string") others.push({ file: entry, text: value });
      } else {
        if (tarball) throw new Problem("badRequest", "The document carries more than one tarball");
        const bytes = decoded(event.chunks, (length) => {
          beside -= length;
        });
        const upload = await repository.hosting.receive(name, bytes, TARBALL, ["sha512", "sha1"]);
        tarball = { file: event.entry, upload };
      }
    }
  } catch (error) {
    await tarball?.upload.discard();
    if (error instanceof Problem && error.kind === "malformed")
      throw new Problem("badRequest", error.message, { cause: error });
    throw error;
  }
  // Without one it would be taken for something else: a deprecation.
  if (isCarrying && !tarball && fields["_attachments"] !== null)
    throw new Problem(
      "badRequest",
      "The document carries no tarball: its attachment is NAME-VERSION.tgz, in base64",
    );
  return {
    fields,
    tarball: tarball && { ...tarball, said: said.get(tarball.file) ?? {} },
    others,
  };
}

/** Base64 that is cut anywhere. */
async function* decoded(
  texts: AsyncIterable<string>,
  took: (length: number) => void,
): AsyncGenerator<Uint8Array> {
  let rest = "";
  let isOver = false;
  for await (const text of texts) {
    took(text.length);
    const all = rest + text;
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(all) || (isOver && all !== ""))
      throw new Problem("badRequest", "The tarball in the document is not base64");
    const whole = all.length - (all.length % 4);
    rest = all.slice(whole);
    isOver ||= all.endsWith("=");
    if (whole > 0) yield Buffer.from(all.slice(0, whole), "base64");
  }
  if (rest !== "") throw new Problem("badRequest", "The tarball in the document is not base64");
}

/** What a document says of its own size, before any of it is read; null when the client does not say. */
export function announcedSize(request: Request): number | null {
  const length = Number(request.header("content-length") ?? Number.NaN);
  return Number.isNaN(length) ? null : Math.floor((length * 3) / 4);
}

export function objectOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}
