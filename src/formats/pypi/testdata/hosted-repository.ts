// A repository that holds nothing but what is published in it, for the tests of this format.
import { createHash } from "node:crypto";
import type { DocumentRef } from "../../../core/document.ts";
import { Problem } from "../../../core/problem.ts";
import { reply } from "../../../core/reply.ts";
import type { Repository } from "../../../core/repository.ts";
import type { Request } from "../../../core/request.ts";
import { bodyParts, serviceOf, unexpectedParts } from "../../../core/testkit.ts";
import { pypi } from "../index.ts";
import { PypiOptions } from "../options.ts";
import { trustRoot } from "./attestations.ts";
import { contentType } from "./distributions.ts";
import { createFakeHosting } from "./hosting.ts";

export function hostedRepository() {
  const hosting = createFakeHosting();
  const repository: Repository<PypiOptions> = {
    ...unexpectedParts,
    name: "pypi",
    options: { ...PypiOptions.parse({ projects: "stored" }), trustRoot },
    hosting,
    work: async <T>(task: string, options: unknown) =>
      (await pypi.tasks![task]!({ options, files: [], async write() {} })) as T,
    claims: () => false,
    refuseClaimed() {},
    async view() {
      throw new Error("no document is asked for");
    },
    async read() {
      throw new Error("no document is asked for");
    },
    async artifact({ file, contentType }) {
      const bytes = hosting.bytes.get(file);
      if (!bytes) throw new Problem("notFound", `${file} is not here`);
      return reply(200, contentType, bytes);
    },
    pinned: async (_project, file) => {
      const bytes = hosting.bytes.get(file);
      return bytes ? createHash("sha256").update(bytes).digest("hex") : null;
    },
    known: async () => null,
    files: async () => [],
    ask: async () => {
      throw new Error("no upstream is asked");
    },
    explain: async (_key, error) => error,
    keep: async () => {},
    kept: async () => null,
    documents: async () => [],
    report: () => undefined,
    now: () => 1_800_000_000_000,
  };

  async function send(method: string, path: string, body: Uint8Array | string = "", headers: Record<string, string> = {}) {
    const [plain = "", query = ""] = path.split("?");
    const route = pypi.parse(method, plain);
    if (!route) throw new Error(`no route for ${method} ${path}`);
    const all: Record<string, string> = { "content-length": String(body.length), ...headers };
    const request: Request = {
      id: "1",
      method,
      path: plain,
      query,
      base: "https://packages.example.test/pypi",
      client: "127.0.0.1:1",
      address: "127.0.0.1",
      header: (name) => all[name] ?? null,
      ...bodyParts(body),
    };
    return serviceOf(pypi, repository).serve(route, request, repository);
  }

  const post = (body: Uint8Array, path = "/legacy/") =>
    send("POST", path, body, { "content-type": contentType });

  /** The composed document of this key, as the cache would store it. */
  function composed(kind: "project" | "release", key: string): Record<string, any> {
    const name = key.split("/")[0]!;
    const ref: DocumentRef = { kind, key, package: name, path: `simple/${name}/` };
    return JSON.parse(pypi.documents[kind]!.compose!(hosting.packages.get(name)!, ref)!);
  }

  return { hosting, repository, send, post, composed };
}
