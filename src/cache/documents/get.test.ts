import { afterEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import type { DocumentType } from "../../core/document.ts";
import { Problem } from "../../core/problem.ts";
import type { FileBody, Reply } from "../../core/reply.ts";

import { answer, index, openToy, toy as plain, sri } from "../testkit.ts";

let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

type Shown = { files: string[]; overlay: [string, string, unknown][] };
const see = () => toy.repository.view(index, { variant: "all", base: "" }, {});
const shown = (reply: Reply): Shown => JSON.parse(gunzipSync(reply.body as Uint8Array).toString());
const names = (files: Record<string, string | null>) =>
  answer(200, JSON.stringify({ files }), { etag: '"1"' });
const problemOf = (promise: Promise<unknown>): Promise<Problem> =>
  promise.then(
    () => {
      throw new Error("expected a problem");
    },
    (error) => error,
  );

test("a document is fetched once, fresh without asking, then revalidated by its tag", async () => {
  toy = await openToy();
  toy.upstream.behave = ({ headers }) =>
    headers?.["if-none-match"] === '"1"' ? answer(304) : names({ a: "sha1-AAAA" });
  expect((await see()).cache).toMatchObject({
    hit: false,
    fwd: "uri-miss",
    fwdStatus: 200,
    stored: true,
  });
  expect((await see()).cache).toEqual({ hit: true });
  await toy.restart();
  expect((await see()).cache).toEqual({ hit: true });
  toy.clock.shift += 61_000;
  expect((await see()).cache).toMatchObject({ hit: false, fwd: "stale", fwdStatus: 304 });
  expect((await see()).cache).toEqual({ hit: true });
  expect(toy.upstream.asked).toHaveLength(2);
});

test("20 first requests cost one fetch and one parse", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: "sha1-AAAA" });
  const replies = await Promise.all(Array.from({ length: 20 }, see));
  expect(toy.upstream.asked).toHaveLength(1);
  // Where the database is far away some look only when it is here.
  expect(replies.filter(({ cache }) => cache?.collapsed || cache?.hit)).toHaveLength(19);
});

test("a large document is read and rendered in the worker, once", async () => {
  toy = await openToy();
  const files = Object.fromEntries(
    Array.from({ length: 30_000 }, (_, at) => [`file-${at}.tgz`, "sha1-AAAA"]),
  );
  toy.upstream.behave = () => names(files);
  const replies = await Promise.all(Array.from({ length: 20 }, see));
  expect(toy.jobs).toEqual(["ingest", "render"]);
  expect(shown(replies[7]!).files).toHaveLength(30_000);
  await toy.restart();
  expect(shown(await see()).files).toHaveLength(30_000);
  expect(toy.jobs).toEqual(["ingest", "render"]); // the view was on disk
});

test("gzip as the upstream sent it is stored as it is; a bomb is refused", async () => {
  toy = await openToy();
  toy.upstream.behave = () =>
    answer(200, gzipSync(JSON.stringify({ files: { a: null } })), { "content-encoding": "gzip" });
  expect(shown(await see()).files).toEqual(["a"]);
  toy.clock.shift += 61_000;
  toy.upstream.behave = () =>
    answer(200, gzipSync(Buffer.alloc(100 * 1024 * 1024)), { "content-encoding": "gzip" });
  expect((await see()).cache).toMatchObject({ detail: "malformed" });
});

test("a document is read as what it is, whatever its label; an unknown coding is refused", async () => {
  toy = await openToy();
  const text = JSON.stringify({ files: { a: null } });
  const large = JSON.stringify({ files: { a: null }, rest: "x".repeat(600_000) });
  for (const [bytes, label] of [
    [gzipSync(text), null],
    [gzipSync(large), null],
    [Buffer.from(text), "gzip"],
    [gzipSync(text), "X-GZIP"],
  ] as const) {
    toy.upstream.behave = () => answer(200, bytes, label ? { "content-encoding": label } : {});
    toy.clock.shift += 61_000;
    const reply = await toy.repository.read(index, { variant: "all", base: "" });
    expect(JSON.parse(Buffer.from(reply.bytes).toString()).files).toEqual(["a"]);
    expect(reply.cache.detail).toBeUndefined();
  }
  toy.upstream.behave = () => answer(200, text, { "content-encoding": "br" });
  toy.clock.shift += 61_000;
  const { cache } = await toy.repository.read(index, { variant: "all", base: "" });
  expect(cache.detail).toBe("malformed");
});

test("a stale copy is served at once while the upstream is away, without limit of age", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: null });
  await see();
  toy.clock.shift += 90 * 86_400_000;
  for (const away of ["offline", "unreachable"] as const) {
    toy.upstream.away = away;
    expect((await see()).cache).toEqual({ hit: true, detail: away, age: 90 * 86_400 });
  }
});

test("a stale copy is served after a second when the upstream is silent, and refreshed behind", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: null });
  await see();
  toy.clock.shift += 61_000;
  const gate = Promise.withResolvers<void>();
  toy.upstream.behave = async () => {
    await gate.promise;
    return names({ a: null, b: null });
  };
  const slow = await see();
  expect([slow.cache?.detail, shown(slow).files]).toEqual(["slow", ["a"]]);
  // Who comes while it is still under way has nothing to wait for: another client's patience is spent already.
  const order: string[] = [];
  const turn = new Promise<void>((resolve) => setTimeout(resolve, 900)).then(() => {
    order.push("a second later");
  });
  await see().then((reply) => order.push(`${reply.cache?.detail}`));
  await turn;
  expect(order).toEqual(["slow", "a second later"]);
  gate.resolve();
  while (shown(await see()).files.length < 2) await Bun.sleep(1);
  expect((await see()).cache).toEqual({ hit: true });
});

test("a login page in place of a document is told once, and the stored copy is served", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: null });
  await see();
  toy.upstream.behave = () => answer(200, "<html><form>Log in</form></html>");
  for (let at = 0; at < 3; at += 1) {
    toy.clock.shift += 61_000;
    expect((await see()).cache?.detail).toBe("malformed");
  }
  expect(await toy.eventKinds()).toEqual(["malformed"]);
  toy.upstream.behave = () => names({ a: null, b: null });
  toy.clock.shift += 61_000;
  expect(shown(await see()).files).toEqual(["a", "b"]);
});

test("a login page when nothing is stored is no 404 and is not kept", async () => {
  toy = await openToy();
  toy.upstream.behave = () => answer(200, "<html>Log in</html>");
  const problem = await problemOf(see());
  expect([problem.kind, problem.status]).toEqual(["malformed", 424]);
  toy.upstream.behave = () => names({ a: null });
  expect(shown(await see()).files).toEqual(["a"]);
});

test("a file that vanishes upstream is kept with its entry, told once, and told when it returns", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: "sha1-AAAA", b: "sha1-BBBB" });
  await see();
  toy.clock.shift += 61_000;
  toy.upstream.behave = () => names({ b: "sha1-BBBB" });
  expect(shown(await see())).toEqual({ files: ["b"], overlay: [["a", "gone", "sha1-AAAA"]] });
  toy.clock.shift += 61_000;
  toy.upstream.behave = () => names({ b: "sha1-BBBB", c: null });
  await toy.restart();
  expect(shown(await see()).overlay).toEqual([["a", "gone", "sha1-AAAA"]]);
  expect(await toy.eventKinds()).toEqual(["orphaned"]);
  toy.clock.shift += 61_000;
  toy.upstream.behave = () => names({ a: "sha1-AAAA", b: "sha1-BBBB" });
  expect(shown(await see()).overlay).toEqual([["c", "gone", null]]);
  expect(await toy.eventKinds()).toEqual(["orphaned", "returned", "orphaned"]);
});

test("a whole document that vanishes stays for lock files", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: "sha1-AAAA" });
  await see();
  toy.clock.shift += 61_000;
  toy.upstream.behave = () => answer(404);
  expect(shown(await see())).toEqual({ files: ["a"], overlay: [["a", "gone", "sha1-AAAA"]] });
  expect(await toy.eventKinds()).toEqual(["orphaned"]);
});

test("a changed integrity: the first one stays, with one event that has both", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: "sha1-AAAA" });
  await see();
  toy.upstream.behave = () => names({ a: "sha1-BBBB" });
  for (let at = 0; at < 2; at += 1) {
    toy.clock.shift += 61_000;
    expect(shown(await see()).overlay).toEqual([["a", "tampered", "sha1-AAAA"]]);
    await toy.restart();
  }
  const events = await toy.events();
  expect(events.map(({ kind, file, detail }) => ({ kind, file, detail }))).toEqual([
    {
      kind: "tampered",
      file: "a",
      detail: { first: "sha1-AAAA", shown: "sha1-BBBB", upstream: "upstream.example.test" },
    },
  ]);
  expect(
    toy.log.some((line) => line.includes('"level":"error"') && line.includes("tampered")),
  ).toBe(true);
});

test("what a stale document lacks is not told as missing while the upstream is away", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: null });
  await see();
  const part = () => toy.repository.view(index, { variant: "missing", base: "" }, {});
  toy.clock.shift += 61_000;
  toy.upstream.away = "offline";
  expect((await problemOf(part())).kind).toBe("offline");
});

test("the very document that vanished returns: nothing of it is marked as gone any more", async () => {
  toy = await openToy();
  const say = () => names({ a: "sha1-AAAA" });
  for (const behave of [say, () => answer(404), say]) {
    toy.upstream.behave = behave;
    await see();
    toy.clock.shift += 61_000;
  }
  expect(shown(await see())).toEqual({ files: ["a"], overlay: [] });
  expect(await toy.eventKinds()).toEqual(["orphaned", "returned"]);
});

test("an upstream's no takes no room in the catalog", async () => {
  toy = await openToy();
  expect((await problemOf(see())).kind).toBe("notFound");
  expect(await toy.database.read`SELECT key FROM documents`).toEqual([]);
});

test("a refresh that a full disk or a bug of ours ends leaves the stored copy in use", async () => {
  toy = await openToy();
  for (const [failure, kind] of [
    [new Problem("full", "The disk is full"), "full"],
    [new TypeError("x is undefined"), "malformed"],
  ] as const) {
    toy.upstream.behave = () => names({ a: null });
    await see();
    toy.clock.shift += 61_000;
    toy.upstream.behave = () => {
      throw failure;
    };
    expect((await see()).cache).toMatchObject({ fwd: "stale", detail: kind });
    toy.clock.shift += 61_000;
  }
  expect((await toy.events()).at(-1)?.detail?.["error"]).toContain("TypeError: x is undefined");
});

test("what a fresh document lacks is looked for before it is told as missing, and never is where that cannot be", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: null });
  const part = () => toy.repository.view(index, { variant: "file/b", base: "" }, {});
  expect((await problemOf(part())).kind).toBe("notFound");
  expect((await problemOf(part())).kind).toBe("notFound");
  expect(toy.upstream.asked).toHaveLength(1);
  toy.upstream.behave = () => names({ a: null, b: null });
  toy.clock.shift += 10_000;
  expect((await part()).status).toBe(200);
  toy.upstream.away = "offline";
  toy.clock.shift += 10_000;
  const other = toy.repository.view(index, { variant: "file/c", base: "" }, {});
  expect((await problemOf(other)).kind).toBe("offline");
});

/** Removes the stored bytes of the document. */
async function loseBytes(): Promise<void> {
  const [row] = await toy.database.read`SELECT blob FROM documents`;
  rmSync(toy.blobPath(row.blob));
}

test("lost bytes: what was rendered of them is served on, and the rest is fetched when it can be", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: "sha1-AAAA" });
  await see();
  await loseBytes();
  toy.upstream.away = "offline";
  const other = () => toy.repository.view(index, { variant: "other", base: "" }, {});
  expect((await problemOf(other())).kind).toBe("offline");
  expect((await see()).status).toBe(200);
  toy.upstream.away = null;
  expect(shown(await other()).files).toEqual(["a"]);
  expect(toy.upstream.asked).toHaveLength(2);
});

test("lost bytes keep no newer document from being taken", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: "sha1-AAAA", b: "sha1-BBBB" });
  await see();
  await loseBytes();
  toy.clock.shift += 61_000;
  toy.upstream.behave = () => names({ b: "sha1-BBBB" });
  expect(shown(await see())).toEqual({ files: ["b"], overlay: [["a", "gone", null]] });
});

test("a large view that is removed from disk while the server knows it is rendered again", async () => {
  toy = await openToy();
  const files = Array.from({ length: 60_000 }, () => [randomBytes(20).toString("hex"), null]);
  toy.upstream.behave = () => names(Object.fromEntries(files));
  const { path } = (await see()).body as FileBody;
  rmSync(path);
  toy.clock.shift += 2_000;
  const again = (await see()).body as FileBody;
  expect([again.path, existsSync(again.path)]).toEqual([path, true]);
});

test("a compressed answer is undone beside the loop, and a bomb is refused", async () => {
  toy = await openToy();
  const ask = () => toy.repository.ask({ path: "search", package: null });
  const gzip = (bytes: Uint8Array) => answer(200, gzipSync(bytes), { "content-encoding": "gzip" });
  toy.upstream.behave = () => gzip(Buffer.alloc(10_000_000, "a"));
  let isFree = false;
  setImmediate(() => {
    isFree = true;
  });
  expect((await ask()).bytes.length).toBe(10_000_000);
  expect(isFree).toBe(true);
  toy.upstream.behave = () => gzip(Buffer.alloc(20 * 1024 * 1024));
  expect((await problemOf(ask())).kind).toBe("malformed");
});

test("a large document that cannot be given its name leaves nothing half-made behind", async () => {
  toy = await openToy();
  const files = Array.from({ length: 20_000 }, () => [randomBytes(20).toString("hex"), null]);
  toy.upstream.behave = () => names(Object.fromEntries(files));
  rmSync(toy.layout.blobs, { recursive: true });
  writeFileSync(toy.layout.blobs, "in the way");
  await see().catch(() => {});
  expect(readdirSync(toy.layout.incoming)).toEqual([]);
});

test("what was confirmed before the clock was put back is not fresh for as long as that was", async () => {
  toy = await openToy();
  toy.upstream.behave = () => names({ a: "sha1-AAAA" });
  toy.clock.shift = 365 * 86_400_000;
  await see();
  toy.clock.shift = 0;
  await see();
  expect(toy.upstream.asked).toHaveLength(2);
  expect((await see()).cache).toEqual({ hit: true });
});

test("links are relative to where redirects led, and the same bytes from elsewhere are read again", async () => {
  const linked: DocumentType = {
    ...plain.documents["index"]!,
    isLinked: true,
    model: async ({ ref }) => ref.foundAt ?? "-",
    async *render({ ref }) {
      yield ref.foundAt ?? "-";
    },
  };
  toy = await openToy({ format: { ...plain, documents: { index: linked } } });
  const body = JSON.stringify({ files: { a: "./a" }, more: "b".repeat(450_000) });
  const from = (url: string, isRedirected = true) => ({
    ...answer(200, body, { etag: '"1"' }),
    url,
    isRedirected,
  });
  const found = async () => {
    const { bytes } = await toy.repository.read(index, { variant: "at", base: "" });
    const model = await toy.repository.model(index);
    return [Buffer.from(bytes).toString(), model.model];
  };
  toy.upstream.behave = () => from("https://one.example.test/x/?token=secret#y");
  expect(await found()).toEqual(["https://one.example.test/x/", "https://one.example.test/x/"]);
  await toy.restart();
  toy.upstream.away = "offline";
  expect(await found()).toEqual(["https://one.example.test/x/", "https://one.example.test/x/"]);
  expect(toy.jobs).toEqual(["ingest", "render"]);

  // It moves: the upstream confirms the bytes, but not where they are.
  toy.upstream.away = null;
  toy.clock.shift += 61_000;
  const two = "https://two.example.test/";
  toy.upstream.behave = ({ headers }) =>
    headers?.["if-none-match"] ? { ...answer(304), url: two, isRedirected: true } : from(two);
  expect(await found()).toEqual([two, two]);
  toy.clock.shift += 61_000;
  toy.upstream.behave = () => from("https://asked.example.test/", false);
  expect(await found()).toEqual(["-", "-"]);
  expect(toy.upstream.asked).toHaveLength(4);
});

test("files may be called as the language calls its own: what was seen first of them is shown as of any other", async () => {
  toy = await openToy();
  const odd = ["__proto__", "constructor", "toString"];
  const named = (salt: string) => {
    const files = odd.map((file) => [file, sri(Buffer.from(salt + file))]);
    return answer(200, JSON.stringify({ files: Object.fromEntries(files) }));
  };
  const states = async () => shown(await see()).overlay.map(([file, state]) => `${file} ${state}`);
  toy.upstream.behave = () => named("first");
  expect(await states()).toEqual([]);
  for (const [behave, state] of [
    [() => named("then"), "tampered"],
    [() => answer(200, '{"files":{}}'), "gone"],
  ] as const) {
    toy.clock.shift += 3_600_000;
    toy.upstream.behave = behave;
    expect((await states()).sort()).toEqual(odd.map((file) => `${file} ${state}`).sort());
  }
});

test("an upstream that alters all files of a package is one event, and clients keep what was seen first of each", async () => {
  toy = await openToy();
  const files = Array.from({ length: 300 }, (_, at) => `file-${at}`);
  const named = (salt: string) => {
    const shownNow = files.map((file) => [file, sri(Buffer.from(salt + file))]);
    return answer(200, JSON.stringify({ files: Object.fromEntries(shownNow) }));
  };
  toy.upstream.behave = () => named("first");
  await see();
  toy.clock.shift += 3_600_000;
  toy.upstream.behave = () => named("then");
  expect(shown(await see()).overlay).toHaveLength(300);
  const [event, ...others] = await toy.events();
  expect([event?.kind, others.length]).toEqual(["tampered", 0]);
  expect(event?.message).toContain("for 300 files of thing");
  expect(event?.detail?.["files"]).toHaveLength(300);
});
