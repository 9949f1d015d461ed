// Routes to replies, with an upstream made of a map and a real checksum database under it.
import { expect, test } from "bun:test";
import type { Artifact } from "../../core/artifact.ts";
import type { DocumentRef, Source, ViewRequest } from "../../core/document.ts";
import type { RepositoryEvent } from "../../core/event.ts";
import { Problem } from "../../core/problem.ts";
import type { Answer, Question } from "../../core/question.ts";
import { type Reply, reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import { bodyParts, serviceOf, unexpectedParts } from "../../core/testkit.ts";
import { createKey } from "../../proof/testkit.ts";
import { type GoOptions, go } from "./index.ts";
import { createLog, goSum, h1, type TestLog } from "./sumdb/testing.ts";

const NAME = "sums.example.test";

interface Fake {
  repository: Repository<GoOptions>;
  log: TestLog;
  /** The upstream's paths; a number is a status. */
  upstream: Map<string, string | number>;
  asked: Question[];
  events: RepositoryEvent[];
  /** What each artifact was last expected to be. */
  expectations: Map<string, string | null>;
  kept: Map<string, Uint8Array>;
  /** SHA-256 by module and file. */
  pins: Map<string, string>;
  gone: Set<string>;
  claimed: Set<string>;
  online: boolean;
  get(path: string): Promise<Reply>;
}

function sourceOf(text: string): Source {
  return {
    size: text.length,
    async *chunks() {
      yield Buffer.from(text);
    },
    text: async () => text,
    async json() {
      try {
        return JSON.parse(text);
      } catch {
        throw new Problem("malformed", "Not JSON");
      }
    },
  };
}

function createFake(configured: Record<string, unknown> = {}): Fake {
  const log = createLog(createKey(NAME));
  const upstream = new Map<string, string | number>();
  const stored = new Map<string, string>();
  const kept = new Map<string, Uint8Array>();
  const sumdb = { name: NAME, key: log.key.verifier };
  const options = go.options.parse({ sumdb, ...configured });

  async function ask(question: Question): Promise<Answer> {
    if (question.package !== null && fake.claimed.has(question.package))
      throw new Problem("notFound", "It is claimed");
    if (!fake.online) throw new Problem("offline", "The cable is cut");
    fake.asked.push(question);
    const direct = upstream.get(question.path);
    const prefix = `sumdb/${NAME}/`;
    const ofLog =
      direct === undefined && question.path.startsWith(prefix)
        ? await log.answer(question.path.slice(prefix.length))
        : null;
    const bytes = ofLog ?? (typeof direct === "string" ? Buffer.from(direct) : Buffer.alloc(0));
    const status = typeof direct === "number" ? direct : ofLog || direct !== undefined ? 200 : 404;
    return { status, headers: new Headers(), bytes, upstream: "up.example.test" };
  }

  /** As the cache does: an upstream's no is notFound, and what cannot be asked is answered from what is stored. */
  async function fetchText(path: string, name: string): Promise<string> {
    try {
      const answer = await ask({ path, package: name });
      if (answer.status === 403) throw new Problem("refused", `${answer.status} for ${path}`);
      if (answer.status !== 200) throw new Problem("notFound", `${answer.status} for ${path}`);
      stored.set(path, Buffer.from(answer.bytes).toString());
    } catch (error) {
      if (!(error instanceof Problem) || error.kind !== "offline" || !stored.has(path)) throw error;
    }
    return stored.get(path)!;
  }

  async function render(ref: DocumentRef, view: ViewRequest): Promise<Buffer> {
    const source = sourceOf(await fetchText(ref.path, ref.package));
    const type = go.documents[ref.kind]!;
    await type.facts(source, ref);
    const entry = { state: "gone", integrity: null, since: "", entry: null } as const;
    const overlay = Object.fromEntries(
      [...fake.gone].map((v) => [`${v}.zip`, { ...entry, version: v }]),
    );
    const chunks: Uint8Array[] = [];
    for await (const chunk of type.render({ ref, source, overlay }, view))
      chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  }

  const repository: Repository<GoOptions> = {
    ...unexpectedParts,
    pinned: async (name, file) => fake.pins.get(`${name} ${file}`) ?? null,
    name: "go",
    options,
    claims: (name) => fake.claimed.has(name),
    refuseClaimed(name) {
      if (fake.claimed.has(name)) throw new Problem("notFound", "It is claimed");
    },
    view: async (ref, view, headers) => ({
      ...reply(200, "", await render(ref, view)),
      headers,
    }),
    read: async (ref, view) => ({ bytes: await render(ref, view), cache: { hit: false } }),
    async artifact(artifact: Artifact) {
      // As the cache does: what is expected is asked for while the bytes are on their way, and its refusal comes first.
      const expectation = stored.has(artifact.path!) ? undefined : artifact.integrity?.();
      expectation?.catch(() => {});
      let text: string;
      try {
        text = await fetchText(artifact.path!, artifact.package);
        if (expectation) fake.expectations.set(artifact.file, await expectation);
        if (expectation && artifact.kind === "info") {
          const bytes = Buffer.from(text);
          const file = { size: bytes.length, read: async () => bytes };
          await go.artifacts[artifact.kind]!.check(file, artifact);
        }
      } catch (error) {
        if (expectation) stored.delete(artifact.path!);
        await expectation;
        throw error;
      }
      const headers = { "cache-control": "public, max-age=31536000, immutable" };
      return { ...reply(200, artifact.contentType, text, headers), ranges: true };
    },
    known: async () => null,
    files: async () => [],
    ask,
    keep: async (key, bytes) => void kept.set(key, bytes),
    swap: async (key, bytes, previous) => {
      if (Buffer.compare(kept.get(key) ?? Buffer.of(), previous ?? Buffer.of()) !== 0) return false;
      kept.set(key, bytes);
      return true;
    },
    explain: async (_key, error) => error,
    kept: async (key) => (kept.has(key) ? { bytes: kept.get(key)!, at: 0 } : null),
    documents: async () => [],
    report: (event) => void fake.events.push(event),
    now: () => 0,
  };

  const fake: Fake = {
    repository,
    log,
    upstream,
    asked: [],
    events: [],
    expectations: new Map(),
    kept,
    pins: new Map(),
    gone: new Set(),
    claimed: new Set(),
    online: true,
    async get(path) {
      const route = go.parse("GET", path);
      if (!route) throw new Error(`No route: ${path}`);
      const request = {
        id: "1",
        method: "GET",
        path,
        query: "",
        base: "http://h.example.test/go",
        client: "127.0.0.1:1",
        address: "127.0.0.1",
        header: () => null,
        ...bodyParts(),
      };
      try {
        return await serviceOf(go, repository).serve(route, request, repository);
      } catch (error) {
        if (error instanceof Problem) return go.problem(error);
        throw error;
      }
    },
  };
  return fake;
}

const bodyOf = (answer: Reply) => Buffer.from(answer.body as Uint8Array | string).toString();
const LOGIN = "<!doctype html><html><body>Sign in</body></html>";
const INFO = JSON.stringify({ Version: "v1.5.2", Time: "2018-02-14T15:44:20Z" });

/** As `holdfast go unfreeze` does. */
function unfreeze({ repository }: Fake, ...flags: string[]): Promise<boolean> {
  const { operations } = serviceOf(go, repository);
  const { signal } = new AbortController();
  const call = { flags: new Set(flags), progress() {}, say() {}, signal };
  return operations!["go unfreeze"]!(repository, call);
}

test("a list is rendered from its versions, without what is gone", async () => {
  const fake = createFake();
  fake.upstream.set(
    "rsc.io/quote/@v/list",
    "v1.0.0\nv1.5.2 2018-02-14T15:44:20Z\n\nv1.5.1\r\nv1.5\nv0.0.0-20180214005840-23179ee8a569\nv1.0.0\n",
  );
  const answer = await fake.get("/rsc.io/quote/@v/list");
  expect(answer.headers["content-type"]).toBe("text/plain; charset=UTF-8");
  expect(bodyOf(answer)).toBe("v1.0.0\nv1.5.2\nv1.5.1\n");
  fake.gone.add("v1.5.1");
  expect(bodyOf(await fake.get("/rsc.io/quote/@v/list"))).toBe("v1.0.0\nv1.5.2\n");
});

test("a module without tagged versions has an empty list", async () => {
  const fake = createFake();
  fake.upstream.set("x.test/m/@v/list", "");
  expect(await fake.get("/x.test/m/@v/list")).toMatchObject({ status: 200 });
});

test("a login page is neither a list, a latest, a query nor an info", async () => {
  const fake = createFake();
  for (const path of ["@v/list", "@latest", "@v/main.info", "@v/v1.0.0.info"]) {
    fake.upstream.set(`x.test/m/${path}`, LOGIN);
    const answer = await fake.get(`/x.test/m/${path}`);
    expect([path, answer.status]).toEqual([path, 424]);
    expect(bodyOf(answer)).toStartWith("holdfast: malformed: ");
  }
  fake.upstream.set("x.test/m/@v/v1.0.0.info", JSON.stringify({ Version: "v1.0.1" }));
  expect((await fake.get("/x.test/m/@v/v1.0.0.info")).status).toBe(424);
});

test("facts name one file per version", async () => {
  const ref = { kind: "list", key: "x.test/m", package: "x.test/m", path: "x.test/m/@v/list" };
  expect(await go.documents["list"]!.facts(sourceOf("v1.0.0\nv1.1.0\n"), ref)).toEqual([
    { file: "v1.0.0.zip", version: "v1.0.0", integrity: null },
    { file: "v1.1.0.zip", version: "v1.1.0", integrity: null },
  ]);
});

test("latest is the upstream's, re-rendered from what is known of it", async () => {
  const fake = createFake();
  const origin = { VCS: "git", URL: "https://x.test/m", Hash: "ab", evil: { a: 1 }, Ref: 7 };
  fake.upstream.set(
    "x.test/m/@latest",
    JSON.stringify({
      Version: "v1.2.3",
      Time: "2020-01-02T03:04:05Z",
      Origin: origin,
      Extra: "<b>",
    }),
  );
  const answer = await fake.get("/x.test/m/@latest");
  expect(answer.headers["content-type"]).toBe("application/json");
  expect(JSON.parse(bodyOf(answer))).toEqual({
    Version: "v1.2.3",
    Time: "2020-01-02T03:04:05Z",
    Origin: { VCS: "git", URL: "https://x.test/m", Hash: "ab" },
  });
});

test("latest is derived from the list where the upstream has none", async () => {
  const fake = createFake();
  fake.upstream.set("rsc.io/quote/@v/list", "v1.6.0-rc.1\nv1.5.2\nv1.10.0-pre\nv1.5.1\n");
  fake.upstream.set("rsc.io/quote/@v/v1.5.2.info", INFO);
  const answer = await fake.get("/rsc.io/quote/@latest");
  expect(bodyOf(answer)).toBe(INFO);
  expect(answer.headers["cache-control"]).toBe("no-cache");
  fake.online = false;
  expect(bodyOf(await fake.get("/rsc.io/quote/@latest"))).toBe(INFO);
});

test("a derived latest names the highest version also when its info cannot be had", async () => {
  const fake = createFake();
  fake.upstream.set("x.test/m/@v/list", "v1.0.0-rc.2\nv1.0.0-rc.10\n");
  await fake.get("/x.test/m/@v/list");
  fake.online = false;
  expect(JSON.parse(bodyOf(await fake.get("/x.test/m/@latest")))).toEqual({
    Version: "v1.0.0-rc.10",
  });
});

test("latest is not found when nothing is tagged, and an outage is no 404", async () => {
  const fake = createFake();
  fake.upstream.set("x.test/m/@v/list", "");
  expect((await fake.get("/x.test/m/@latest")).status).toBe(404);
  expect((await fake.get("/y.test/m/@latest")).status).toBe(404);
  fake.online = false;
  expect((await fake.get("/x.test/m/@latest")).status).toBe(424);
  expect((await fake.get("/z.test/m/@latest")).status).toBe(424);
});

test("a branch is a document, asked again and answered offline", async () => {
  const fake = createFake();
  const path = "/x.test/m/@v/main.info";
  fake.upstream.set("x.test/m/@v/main.info", JSON.stringify({ Version: "v1.0.0" }));
  expect(JSON.parse(bodyOf(await fake.get(path)))).toEqual({ Version: "v1.0.0" });
  fake.upstream.set("x.test/m/@v/main.info", JSON.stringify({ Version: "v1.0.1" }));
  expect(JSON.parse(bodyOf(await fake.get(path)))).toEqual({ Version: "v1.0.1" });
  fake.online = false;
  expect(JSON.parse(bodyOf(await fake.get(path)))).toEqual({ Version: "v1.0.1" });
});

test("zip and mod are expected to be what the database says", async () => {
  const fake = createFake();
  fake.log.grow(300);
  fake.log.add("github.com/BurntSushi/toml", "v1.0.0");
  const at = "github.com/!burnt!sushi/toml/@v/v1.0.0";
  fake.upstream.set(`${at}.zip`, "zip").set(`${at}.mod`, "mod");
  expect((await fake.get(`/${at}.zip`)).headers["content-type"]).toBe("application/zip");
  expect((await fake.get(`/${at}.mod`)).headers["content-type"]).toBe("text/plain; charset=UTF-8");
  const token = (of: string) => h1(of).slice("h1:".length);
  const name = "github.com/BurntSushi/toml v1.0.0";
  expect(fake.expectations.get("v1.0.0.zip")).toBe(`h1-${token(name)}`);
  expect(fake.expectations.get("v1.0.0.mod")).toBe(`h1mod-${token(`${name}/go.mod`)}`);
});

test("the database is answered under our prefix, online and offline", async () => {
  const fake = createFake();
  fake.log.grow(300);
  fake.log.add("github.com/BurntSushi/toml", "v1.0.0");
  expect((await fake.get(`/sumdb/${NAME}/supported`)).status).toBe(200);
  const path = `/sumdb/${NAME}/lookup/github.com/!burnt!sushi/toml@v1.0.0`;
  const first = await fake.get(path);
  expect(first).toMatchObject({
    status: 200,
    cache: { hit: false, fwd: "uri-miss", stored: true },
  });
  expect(bodyOf(first)).toBe(
    `300\n${goSum("github.com/BurntSushi/toml", "v1.0.0")}\n${await fake.log.note()}`,
  );
  fake.online = false;
  const again = await fake.get(path);
  expect(again.cache).toEqual({ hit: true });
  expect(bodyOf(again)).toBe(bodyOf(first));
  expect(bodyOf(await fake.get(`/sumdb/${NAME}/latest`))).toBe(await fake.log.note());
  const tile = await fake.get(`/sumdb/${NAME}/tile/8/0/001.p/45`);
  expect(tile.headers["content-type"]).toBe("application/octet-stream");
  expect(tile.body).toHaveLength(45 * 32);
  expect((await fake.get(`/sumdb/${NAME}/lookup/x.test/m@v1.0.0`)).status).toBe(424);
});

test("another database, and any when none is set, is left to the client", async () => {
  const fake = createFake();
  expect((await fake.get("/sumdb/other.example.test/supported")).status).toBe(404);
  expect((await fake.get("/sumdb/other.example.test/latest")).status).toBe(404);
  const without = createFake({ sumdb: false });
  expect((await without.get(`/sumdb/${NAME}/supported`)).status).toBe(404);
  without.upstream.set("x.test/m/@v/v1.0.0.zip", "zip");
  expect((await without.get("/x.test/m/@v/v1.0.0.zip")).status).toBe(200);
  expect(without.expectations.get("v1.0.0.zip")).toBeNull();
});

test("claimed and private modules are never named to the database", async () => {
  const fake = createFake({ noSumdb: ["git.example.test", "*.corp.test/secret"] });
  fake.claimed.add("claimed.test/m");
  for (const module of ["claimed.test/m", "git.example.test/a/b", "x.corp.test/secret/c"]) {
    fake.upstream.set(`${module}/@v/v1.0.0.zip`, "zip");
    expect((await fake.get(`/sumdb/${NAME}/lookup/${module}@v1.0.0`)).status).toBe(404);
    await fake.get(`/${module}/@v/v1.0.0.zip`);
  }
  expect(fake.asked.filter(({ path }) => path.includes("lookup"))).toEqual([]);
  expect(fake.asked.filter(({ path }) => path.includes("claimed"))).toEqual([]);
});

test("a module that the database does not know is pinned as first seen, with an event, or refused", async () => {
  const fake = createFake();
  fake.upstream.set("x.test/m/@v/v1.0.0.zip", "zip");
  expect((await fake.get("/x.test/m/@v/v1.0.0.zip")).status).toBe(200);
  expect(fake.events).toMatchObject([{ kind: "unsigned", package: "x.test/m", version: "v1.0.0" }]);

  const follower = createFake();
  follower.pins.set("x.test/m v1.0.0.zip", "0".repeat(64)); // told of when it was first seen
  follower.upstream.set("x.test/m/@v/v1.0.0.zip", "zip");
  expect((await follower.get("/x.test/m/@v/v1.0.0.zip")).status).toBe(200);
  expect(follower.events).toEqual([]);

  const strict = createFake({ requireSumdb: true });
  strict.upstream.set("x.test/m/@v/v1.0.0.zip", "zip");
  const answer = await strict.get("/x.test/m/@v/v1.0.0.zip");
  expect(answer.status).toBe(403);
  expect(bodyOf(answer)).toContain("requireSumdb");
});

test("what the upstream does not have is no event, and is not found", async () => {
  const fake = createFake();
  for (const file of ["zip", "mod", "info"])
    expect((await fake.get(`/x.test/m/@v/v1.0.0.${file}`)).status).toBe(404);
  expect(fake.events).toEqual([]);
  fake.upstream.set("x.test/m/@v/v1.0.0.info", 403);
  const refused = await fake.get("/x.test/m/@v/v1.0.0.info");
  expect(refused.status).toBe(424);
  expect(bodyOf(refused)).toStartWith("holdfast: refused: ");
  fake.upstream.set(`sumdb/${NAME}/lookup/x.test/m@v1.0.0`, 451);
  const lookup = await fake.get(`/sumdb/${NAME}/lookup/x.test/m@v1.0.0`);
  expect(bodyOf(lookup)).toStartWith("holdfast: refused: ");
});

test("a database that cannot be asked, refuses or is not proxied lets nothing in", async () => {
  const path = "x.test/m/@v/v1.0.0.zip";
  for (const answers of [
    { [`sumdb/${NAME}/lookup/x.test/m@v1.0.0`]: 403 },
    { [`sumdb/${NAME}/lookup/x.test/m@v1.0.0`]: 400 },
    { [`sumdb/${NAME}/lookup/x.test/m@v1.0.0`]: LOGIN },
    { [`sumdb/${NAME}/lookup/x.test/m@v1.0.0`]: 404, [`sumdb/${NAME}/supported`]: 404 },
    { [`sumdb/${NAME}/lookup/x.test/m@v1.0.0`]: 410, [`sumdb/${NAME}/supported`]: 410 },
  ]) {
    const fake = createFake();
    fake.upstream.set(path, "zip");
    for (const [at, answer] of Object.entries(answers)) fake.upstream.set(at, answer);
    expect((await fake.get(`/${path}`)).status).toBe(424);
    expect(fake.events).toEqual([]);
    expect(fake.kept.size).toBe(0);
  }
});

test("a database with a URL of its own is asked there", async () => {
  const log = createKey(NAME);
  const url = "https://sums.example.test/base/";
  const fake = createFake({ sumdb: { name: NAME, key: log.verifier, url } });
  await fake.get(`/sumdb/${NAME}/lookup/x.test/m@v1.0.0`);
  expect(fake.asked.map(({ path }) => path)).toEqual([
    "https://sums.example.test/base/lookup/x.test/m@v1.0.0",
  ]);
});

test("a fork is reported with both heads, freezes what is new, and is lifted by hand", async () => {
  const fake = createFake();
  fake.log.grow(20);
  fake.log.add("a.test/m", "v1.0.0");
  fake.upstream.set("a.test/m/@v/v1.0.0.zip", "zip").set("b.test/m/@v/v1.0.0.zip", "zip");
  fake.upstream.set("b.test/m/@v/v1.0.0.info", JSON.stringify({ Version: "v1.0.0" }));
  await fake.get("/a.test/m/@v/v1.0.0.zip");

  const forked = createLog(fake.log.key);
  forked.grow(30);
  forked.add("b.test/m", "v1.0.0");
  const honest = fake.log.answer;
  fake.log.answer = forked.answer;
  expect((await fake.get("/b.test/m/@v/v1.0.0.zip")).status).toBe(424);
  expect(fake.events).toMatchObject([{ kind: "fork", package: NAME }]);
  expect(fake.events[0]!.detail!["older"]).toBe(await fake.log.note());
  expect(fake.events[0]!.detail!["newer"]).toBe(await forked.note());

  fake.log.answer = honest;
  fake.log.add("b.test/m", "v1.0.0");
  for (const file of ["zip", "info"]) {
    const refused = await fake.get(`/b.test/m/@v/v1.0.0.${file}`);
    expect(refused.status).toBe(424);
    expect(bodyOf(refused)).toContain("forked");
  }
  expect((await fake.get("/a.test/m/@v/v1.0.0.zip")).status).toBe(200);
  expect((await fake.get(`/sumdb/${NAME}/lookup/a.test/m@v1.0.0`)).status).toBe(200);

  expect(await unfreeze(fake)).toBe(true);
  expect((await fake.get("/b.test/m/@v/v1.0.0.zip")).status).toBe(200);
});

test("where nothing is frozen nothing is lifted, forgotten or told", async () => {
  const fake = createFake();
  fake.log.add("a.test/m", "v1.0.0");
  await fake.get(`/sumdb/${NAME}/lookup/a.test/m@v1.0.0`);
  const before = [...fake.kept];
  for (const flags of [[], ["restart"]]) expect(await unfreeze(fake, ...flags)).toBe(true);
  expect([...fake.kept]).toEqual(before);
  expect(fake.events).toEqual([]);
});

test("after a fork an operator may start over with the database's own history", async () => {
  const fake = createFake();
  fake.log.add("a.test/m", "v1.0.0");
  await fake.get(`/sumdb/${NAME}/lookup/a.test/m@v1.0.0`);
  const other = createLog(fake.log.key);
  other.grow(300);
  other.add("a.test/m", "v1.0.0");
  fake.log.answer = other.answer;
  expect((await fake.get(`/sumdb/${NAME}/lookup/b.test/m@v1.0.0`)).status).toBe(404);
  other.add("b.test/m", "v1.0.0");
  expect((await fake.get(`/sumdb/${NAME}/lookup/b.test/m@v1.0.0`)).status).toBe(424);
  expect(await unfreeze(fake, "restart")).toBe(true);
  expect(fake.events.at(-1)).toMatchObject({ kind: "lifted", detail: { restart: true } });
  expect((await fake.get(`/sumdb/${NAME}/lookup/b.test/m@v1.0.0`)).status).toBe(200);
});

test("a failure is plain text, which the go command prints", () => {
  const answer = go.problem(new Problem("unreachable", "up.example.test does not answer"));
  expect(answer).toMatchObject({
    status: 424,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
  expect(answer.body).toBe("holdfast: unreachable: up.example.test does not answer\n");
  expect(go.problem(new Problem("internal", "secret")).body).not.toContain("secret");
});

test("options are checked, and the key must be the name's", () => {
  expect(go.options.parse({})).toEqual({ sumdb: false, noSumdb: [], requireSumdb: false });
  const key = createKey(NAME).verifier;
  expect(go.options.safeParse({ sumdb: { name: NAME, key } }).success).toBe(true);
  expect(go.options.safeParse({ sumdb: { name: "other.example.test", key } }).success).toBe(false);
  expect(go.options.safeParse({ sumdb: { name: NAME, key: `${key}x` } }).success).toBe(false);
  expect(go.options.safeParse({ sumdb: true }).success).toBe(false);
  expect(go.options.safeParse({ sumDb: false }).success).toBe(false);
});

test("names that are private are named to no checksum database, and asked of this server all the same", () => {
  const options = { sumdb: false as const, noSumdb: ["corp.example.test"], requireSumdb: false };
  const [snippet] = go.setup("http://h.example.test/go", options, ["git.example.test/team/*"]);
  expect(snippet!.text).toContain(
    "go env -w GONOSUMDB=git.example.test/team/*,corp.example.test\n",
  );
  expect(snippet!.text).not.toMatch(/^go env -w GO(PRIVATE|NOPROXY)/m);
});

test("one line sets the go command up", () => {
  const [snippet] = go.setup("http://h.example.test/go", {
    sumdb: false,
    noSumdb: [],
    requireSumdb: false,
  });
  expect(snippet).toMatchObject({ client: "go", file: "shell" });
  expect(snippet!.text.split("\n")[0]).toBe("go env -w GOPROXY=http://h.example.test/go");
});
