// A Repository in memory, for the tests of this format: real documents and views, an upstream that is a function.
import type { Artifact, KnownFile } from "../../../core/artifact.ts";
import type { DocumentRef, Overlay, Source, ViewRequest } from "../../../core/document.ts";
import type { RepositoryEvent } from "../../../core/event.ts";
import type { Answer, Question } from "../../../core/question.ts";
import type { Repository } from "../../../core/repository.ts";
import type { Request } from "../../../core/request.ts";
import { readJson } from "../../../core/json.ts";
import { Problem } from "../../../core/problem.ts";
import { type Reply, reply } from "../../../core/reply.ts";
import { bodyParts, unexpectedParts } from "../../../core/testkit.ts";
import { documents } from "../documents.ts";
import type { NpmOptions } from "../types.ts";

export { seeded } from "../../../core/testkit.ts";

import type { Hosting } from "../../../core/hosting.ts";

export type Upstream = (question: Question) => { status: number; body?: unknown };

export class FakeRepository implements Repository<NpmOptions> {
  readonly name = "npm";
  options: NpmOptions = { abbreviatedTime: true };
  /** Documents by "kind:key". */
  readonly storedDocuments = new Map<string, { document: unknown; overlay: Overlay }>();
  readonly values = new Map<string, { bytes: Uint8Array; at: number }>();
  readonly asked: Question[] = [];
  readonly reads: string[] = [];
  readonly events: RepositoryEvent[] = [];
  readonly artifacts: Artifact[] = [];
  readonly knownFiles = new Map<string, KnownFile>();
  upstream: Upstream | null = null;
  readonly hasUpstreams = unexpectedParts.hasUpstreams;
  readonly mayBlock = unexpectedParts.mayBlock;
  readonly withheld = unexpectedParts.withheld;
  readonly claimPatterns = unexpectedParts.claimPatterns;
  readonly secret = unexpectedParts.secret;
  readonly heard = unexpectedParts.heard;
  readonly catchUp = unexpectedParts.catchUp;
  readonly accounts = unexpectedParts.accounts;
  readonly sources = unexpectedParts.sources;
  advisories = unexpectedParts.advisories;
  /** Nothing is published here. */
  readonly hosting: Hosting = Object.assign(Object.create(unexpectedParts.hosting), {
    owns: () => false,
    search: async () => [],
  });
  readonly model = unexpectedParts.model;
  readonly fetch = unexpectedParts.fetch;
  readonly work = unexpectedParts.work;
  readonly derive = unexpectedParts.derive;
  readonly stored = unexpectedParts.stored;
  readonly pinned = unexpectedParts.pinned;
  readonly remove = unexpectedParts.remove;
  readonly swap = unexpectedParts.swap;
  clock = Date.parse("2026-11-23T12:00:00Z");
  /** Whole names, or scopes as "@acme/*". */
  claimed: string[] = [];

  store(ref: DocumentRef, document: unknown, overlay: Overlay = {}): void {
    this.storedDocuments.set(`${ref.kind}:${ref.key}`, { document, overlay });
  }
  claims(name: string): boolean {
    return this.claimed.some((claim) =>
      claim.endsWith("/*") ? name.startsWith(claim.slice(0, -1)) : name === claim,
    );
  }
  refuseClaimed(name: string): void {
    if (this.claims(name)) throw new Problem("notFound", `${name} is private`);
  }
  async view(ref: DocumentRef, view: ViewRequest, headers: Record<string, string>): Promise<Reply> {
    const { bytes, cache } = await this.read(ref, view);
    return { status: 200, headers, body: bytes, cache };
  }
  async read(ref: DocumentRef, view: ViewRequest) {
    this.reads.push(`${ref.kind}:${ref.key} ${view.variant}`);
    if (this.claims(ref.package)) throw new Problem("notFound", `${ref.package} is private`);
    const found = this.storedDocuments.get(`${ref.kind}:${ref.key}`);
    if (!found) throw new Problem("offline", `${ref.key} is not stored`);
    const { overlay } = found;
    const source = jsonSource(found.document);
    const type = documents[ref.kind as "packument" | "version"];
    const bytes = Buffer.from(await collect(type.render({ ref, source, overlay }, view)));
    return { bytes, cache: { hit: true } };
  }
  async artifact(artifact: Artifact, _request: Request): Promise<Reply> {
    this.artifacts.push(artifact);
    await artifact.integrity?.();
    return reply(200, artifact.contentType, `bytes of ${artifact.file}`);
  }
  async known(packageName: string, file: string): Promise<KnownFile | null> {
    return this.knownFiles.get(`${packageName}/${file}`) ?? null;
  }
  async files(): Promise<KnownFile[]> {
    return [...this.knownFiles.values()];
  }
  async ask(question: Question): Promise<Answer> {
    this.asked.push(question);
    if (question.package && this.claims(question.package))
      throw new Problem("notFound", `${question.package} is private`);
    if (!this.upstream) throw new Problem("unreachable", "The upstream does not answer");
    const { status, body } = this.upstream(question);
    const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body ?? null));
    return { status, headers: new Headers(), bytes, upstream: "registry.example.test" };
  }
  async keep(key: string, bytes: Uint8Array): Promise<void> {
    this.values.set(key, { bytes, at: this.clock });
  }
  async explain(_key: string, error: unknown): Promise<unknown> {
    return error;
  }

  async kept(key: string) {
    return this.values.get(key) ?? null;
  }
  async documents(kind: string, text: string, limit: number): Promise<string[]> {
    return [...this.storedDocuments.keys()]
      .filter((key) => key.startsWith(`${kind}:`))
      .map((key) => key.slice(kind.length + 1))
      .filter((key) => key.includes(text))
      .sort()
      .slice(0, limit);
  }
  report(event: RepositoryEvent): void {
    this.events.push(event);
  }
  now(): number {
    return this.clock;
  }
}

/** A document as text in pieces of `chunk` bytes, of a size that is told or not. */
export function textSource(text: string, chunk = 65_536, tellSize = true): Source {
  const bytes = Buffer.from(text);
  return {
    size: tellSize ? bytes.length : null,
    async *chunks() {
      for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
    },
    text: async () => text,
    async json() {
      try {
        return readJson(bytes); // as the store does
      } catch (error) {
        throw new Problem("malformed", "not JSON", { cause: error });
      }
    },
  };
}

export function jsonSource(document: unknown, tellSize = true): Source {
  return textSource(JSON.stringify(document), 100, tellSize);
}

export async function collect(chunks: AsyncIterable<Uint8Array | string>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) text += typeof chunk === "string" ? chunk : Buffer.from(chunk);
  return text;
}

export function request(
  options: Partial<Request> & { headers?: Record<string, string>; json?: unknown },
): Request {
  const { headers = {}, json, ...rest } = options;
  return {
    id: "1",
    method: "GET",
    path: "/",
    query: "",
    client: "127.0.0.1:1",
    address: "127.0.0.1",
    base: "http://here.example.test/npm",
    header: (name) => headers[name] ?? null,
    ...bodyParts(JSON.stringify(json)),
    ...rest,
  };
}

/** The JSON of a reply's body. */
export function bodyOf(answer: Reply): any {
  return JSON.parse(Buffer.from(answer.body as Uint8Array | string as string).toString());
}

/** The Problem that something ends in; fails when it ends well or in another error. */
export async function problemOf(work: Promise<unknown>): Promise<Problem> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("It did not fail");
}
