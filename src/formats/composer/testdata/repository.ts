// A Repository in memory, for the tests of this format: real documents, models and views, an upstream that is a function.
import type { Artifact, KnownFile, StoredArtifactRow } from "../../../core/artifact.ts";
import type { DocumentRef, Overlay, Source, ViewRequest } from "../../../core/document.ts";
import type { RepositoryEvent } from "../../../core/event.ts";
import type { Hosting } from "../../../core/hosting.ts";
import type { Answer, Question } from "../../../core/question.ts";
import type { Modelled, Repository } from "../../../core/repository.ts";
import type { Request } from "../../../core/request.ts";
import { Problem } from "../../../core/problem.ts";
import { type Reply, reply } from "../../../core/reply.ts";
import { bodyParts, unexpectedParts } from "../../../core/testkit.ts";
import { documents } from "../documents.ts";
import type { ComposerOptions } from "../options.ts";

export { seeded } from "../../../core/testkit.ts";

export type Upstream = (question: Question) => { status: number; body?: unknown };

const unused: Omit<typeof unexpectedParts, "model"> = unexpectedParts;

export class FakeRepository implements Repository<ComposerOptions> {
  readonly name = "php";
  options: ComposerOptions = { instead: [], checkouts: true };
  /** Documents by "kind:key". */
  readonly inStore = new Map<string, { document: unknown; overlay: Overlay }>();
  readonly values = new Map<string, { bytes: Uint8Array; at: number }>();
  readonly asked: Question[] = [];
  readonly views: { ref: DocumentRef; view: ViewRequest }[] = [];
  readonly artifacts: Artifact[] = [];
  readonly knownFiles = new Map<string, KnownFile>();
  upstream: Upstream | null = null;
  /** What the upstream says to a document that is not stored: null when it cannot be asked. */
  missing: "notFound" | null = null;
  /** Files that no document names. */
  readonly unnamed = new Set<string>();
  clock = Date.parse("2026-11-23T12:00:00Z");
  /** Of all documents. */
  changedAt = this.clock;
  /** Whole names, or vendors as "acme/*". */
  claimed: string[] = [];

  hasUpstreams = true;
  mayBlock = false;
  readonly withheld = unused.withheld;
  readonly claimPatterns = unused.claimPatterns;
  readonly secret = unused.secret;
  readonly heard = unused.heard;
  readonly catchUp = unused.catchUp;
  readonly accounts = unused.accounts;
  /** Names that are published here and that the caller may read. */
  published: string[] = [];
  readonly hosting: Hosting = Object.assign(Object.create(unused.hosting), {
    owns: (name: string) => this.published.includes(name),
    search: async (text: string) => this.published.filter((name) => name.includes(text)),
  });
  readonly sources = unused.sources;
  advisories = unused.advisories;
  readonly fetch = unused.fetch;
  readonly work = unused.work;
  readonly derive = unused.derive;
  readonly pinned = unused.pinned;
  readonly remove = unused.remove;
  readonly swap = unused.swap;

  store(kind: keyof typeof documents, key: string, document: unknown, overlay: Overlay = {}): void {
    this.inStore.set(`${kind}:${key}`, { document, overlay });
  }
  claims(name: string): boolean {
    if (this.published.includes(name)) return true;
    return this.claimed.some((claim) =>
      claim.endsWith("/*") ? name.startsWith(claim.slice(0, -1)) : name === claim,
    );
  }
  refuseClaimed(name: string): void {
    if (this.claims(name)) throw new Problem("notFound", `${name} is private`, { rule: "claims" });
  }
  private find(ref: DocumentRef) {
    const found = this.inStore.get(`${ref.kind}:${ref.key}`);
    if (!found) throw new Problem(this.missing ?? "offline", `${ref.key} is not stored`);
    return { ref, source: jsonSource(found.document), overlay: found.overlay };
  }
  async view(ref: DocumentRef, view: ViewRequest, headers: Record<string, string>): Promise<Reply> {
    this.views.push({ ref, view });
    const type = documents[ref.kind as keyof typeof documents];
    const body = await collect(type.render(this.find(ref), view));
    return { status: 200, headers, body, cache: { hit: true }, lastModified: this.changedAt };
  }
  async read(): Promise<never> {
    throw new Error("The test's repository reads no views");
  }
  async model<T>(ref: DocumentRef): Promise<Modelled<T>> {
    const type = documents[ref.kind as keyof typeof documents];
    const model = (await type.model!(this.find(ref))) as T;
    return { model, digest: ref.key, changedAt: this.changedAt, cache: { hit: true } };
  }
  async artifact(artifact: Artifact, _request: Request): Promise<Reply> {
    this.artifacts.push(artifact);
    await artifact.integrity?.();
    if (artifact.namedBy.length > 0 && this.unnamed.has(artifact.file))
      throw new Problem("notFound", `No document names ${artifact.file}`);
    return reply(200, artifact.contentType, `bytes of ${artifact.file}`);
  }
  /** As if a document of this package had named it. */
  know(packageName: string, file: string, version: string, integrity: string | null = null): void {
    const known = { file, version, integrity, sha256: null, digests: null, size: null, gone: false };
    this.knownFiles.set(`${packageName} ${file}`, known);
  }
  async known(packageName: string, file: string): Promise<KnownFile | null> {
    return this.knownFiles.get(`${packageName} ${file}`) ?? null;
  }
  async stored(packageName = ""): Promise<StoredArtifactRow[]> {
    return [...this.knownFiles.values()].flatMap(({ file, version, sha256 }) =>
      sha256 === null ? [] : [{ package: packageName, version, file, sha256, size: 1, fetchedAt: 0 }],
    );
  }
  async files(): Promise<KnownFile[]> {
    return [...this.knownFiles.values()];
  }
  async ask(question: Question): Promise<Answer> {
    this.asked.push(question);
    if (question.package) this.refuseClaimed(question.package);
    if (!this.upstream) throw new Problem("unreachable", "The upstream does not answer");
    const { status, body } = this.upstream(question);
    const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body ?? null));
    return { status, headers: new Headers(), bytes, upstream: "composer.example.test" };
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
    return [...this.inStore.keys()]
      .filter((key) => key.startsWith(`${kind}:`))
      .map((key) => key.slice(kind.length + 1))
      .filter((key) => key.includes(text))
      .sort()
      .slice(0, limit);
  }
  readonly events: RepositoryEvent[] = [];
  report(event: RepositoryEvent): void {
    this.events.push(event);
  }
  now(): number {
    return this.clock;
  }
}

export function jsonSource(document: unknown): Source {
  return textSource(typeof document === "string" ? document : JSON.stringify(document));
}

export function textSource(text: string): Source {
  const bytes = Buffer.from(text);
  return {
    size: bytes.length,
    async *chunks() {
      for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
    },
    text: async () => text,
    async json() {
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new Problem("malformed", "not JSON", { cause: error });
      }
    },
  };
}

export async function collect(chunks: AsyncIterable<Uint8Array | string>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) text += typeof chunk === "string" ? chunk : Buffer.from(chunk);
  return text;
}

export const BASE = "http://here.example.test/php";

export function request(options: Partial<Request> & { text?: string } = {}): Request {
  const { text = "", ...rest } = options;
  return {
    id: "1",
    method: "GET",
    path: "/",
    query: "",
    base: BASE,
    client: "127.0.0.1:1",
    address: "127.0.0.1",
    header: () => null,
    ...bodyParts(text),
    ...rest,
  };
}

/** The JSON of a reply's body. */
// biome-ignore lint/suspicious/noExplicitAny: each test knows what it looks at
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
