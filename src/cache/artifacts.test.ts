import { afterEach, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import { isStream } from "../core/reply.ts";
import { answer, artifact, bytesOf, index, openToy, request, sha256, sri } from "./testkit.ts";

const SMALL = Buffer.from("small and honest");
const LARGE = Buffer.alloc(300 * 1024, "large and honest ");
let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

/** An upstream with one document that names both files, and bytes that a test may change. */
async function open(
  files: Record<string, Uint8Array> = { "small.tgz": SMALL, "large.tgz": LARGE },
) {
  toy = await openToy();
  const named = Object.fromEntries(
    Object.entries(files).map(([file, bytes]) => [file, sri(bytes)]),
  );
  const sent: Record<string, Uint8Array> = { ...files };
  toy.upstream.behave = ({ path }) => {
    if (path === "thing") return answer(200, JSON.stringify({ files: named }));
    const bytes = sent[path.slice("thing/".length)];
    return bytes
      ? answer(200, inChunks(bytes), { "content-length": String(bytes.length) })
      : answer(404);
  };
  return { named, sent };
}

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 32 * 1024) yield bytes.subarray(at, at + 32 * 1024);
}

async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  const error = await promise.then(
    () => null,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(Problem);
  return error;
}

const get = (file: string, changes = {}) =>
  toy.repository.artifact(artifact(file, changes), request());

for (const [file, bytes] of [
  ["small.tgz", SMALL],
  ["large.tgz", LARGE],
] as const) {
  test(`a cold ${file} is verified, kept under its digest and then served without the upstream`, async () => {
    await open();
    const cold = await get(file);
    expect(cold.cache).toMatchObject({ hit: false, fwd: "uri-miss", stored: true });
    expect(sha256(await bytesOf(cold))).toBe(sha256(bytes));

    toy.upstream.away = "unreachable";
    await toy.restart();
    const warm = await get(file);
    expect(warm.cache).toEqual({ hit: true });
    expect(sha256(await bytesOf(warm))).toBe(sha256(bytes));
    expect(warm.etag).toBe(sha256(bytes));
    expect(sha256(readFileSync(toy.blobPath(sha256(bytes))))).toBe(sha256(bytes));
    expect(readdirSync(toy.layout.incoming)).toEqual([]);
  });

  test(`L7: a ${file} with one altered byte reaches no client, is kept as evidence and raises an event`, async () => {
    const { sent } = await open();
    const altered = Buffer.from(bytes);
    altered[10]! ^= 1;
    sent[file] = altered;
    const problem = await problemOf(get(file).then(bytesOf));
    expect(problem.kind).toBe("tampered");
    expect(await toy.eventKinds()).toEqual(["tampered"]);
    const digest = sha256(altered);
    expect(existsSync(join(toy.layout.evidence, digest.slice(0, 2), digest.slice(2)))).toBe(true);
    expect(existsSync(toy.blobPath(digest))).toBe(false);

    sent[file] = bytes; // honest again: the lie was not kept
    toy.clock.shift += 31_000;
    expect(sha256(await bytesOf(await get(file)))).toBe(sha256(bytes));
  });

  test(`a ${file} that was removed and comes back with other bytes is refused for ever`, async () => {
    const { sent, named } = await open();
    await bytesOf(await get(file));
    rmSync(toy.blobPath(sha256(bytes)));
    const other = Buffer.concat([bytes, Buffer.from("!")]);
    sent[file] = other;
    named[file] = sri(other); // the document lies in step with the bytes
    toy.clock.shift += 120_000;
    await toy.restart();
    expect((await problemOf(get(file).then(bytesOf))).kind).toBe("tampered");
    sent[file] = bytes;
    toy.clock.shift += 120_000;
    expect(sha256(await bytesOf(await get(file)))).toBe(sha256(bytes));
  });
}

test("the last 64 KiB of a running download are held back until the digest is proven", async () => {
  await open();
  const gate = Promise.withResolvers<void>();
  const honest = toy.upstream.behave;
  toy.upstream.behave = (asked) => {
    if (!asked.path.endsWith("large.tgz")) return honest(asked);
    return answer(
      200,
      (async function* () {
        yield* inChunks(LARGE);
        await gate.promise;
      })(),
    );
  };
  const reply = await get("large.tgz");
  if (!isStream(reply.body)) throw new Error("expected a stream");
  const chunks = reply.body.chunks[Symbol.asyncIterator]();
  let seen = 0;
  while (seen < LARGE.length - 64 * 1024) seen += (await chunks.next()).value!.length;
  const rest = chunks.next();
  expect(await Promise.race([rest, Bun.sleep(20).then(() => "held")])).toBe("held");
  gate.resolve();
  for (let next = await rest; !next.done; next = await chunks.next()) seen += next.value.length;
  expect(seen).toBe(LARGE.length);
});

test("50 clients of one cold file cost one download, and each gets every byte", async () => {
  await open();
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => get("large.tgz").then(bytesOf)),
  );
  expect(new Set(replies.map(sha256))).toEqual(new Set([sha256(LARGE)]));
  expect(toy.upstream.asked.filter((path) => path.endsWith("large.tgz"))).toHaveLength(1);
});

test("a client that leaves does not end the download", async () => {
  await open();
  const reply = await get("large.tgz");
  if (!isStream(reply.body)) throw new Error("expected a stream");
  const chunks = reply.body.chunks[Symbol.asyncIterator]();
  await chunks.next();
  await chunks.return?.();
  expect(sha256(await bytesOf(await get("large.tgz")))).toBe(sha256(LARGE));
  expect(toy.upstream.asked.filter((path) => path.endsWith("large.tgz"))).toHaveLength(1);
});

test("a truncated download leaves nothing behind and is fetched again", async () => {
  const { sent } = await open();
  // The document is here already: else it may still be on its way to disk when the download fails.
  await toy.repository.view(index, { variant: "all", base: "" }, {});
  const honest = toy.upstream.behave;
  toy.upstream.behave = (asked) => {
    if (!asked.path.endsWith("large.tgz")) return honest(asked);
    return answer(
      200,
      (async function* () {
        yield LARGE.subarray(0, 200_000);
        throw new Problem(
          "unreachable",
          "upstream.example.test ended after 200000 of 307200 bytes",
        );
      })(),
    );
  };
  expect((await problemOf(get("large.tgz").then(bytesOf))).kind).toBe("unreachable");
  expect(readdirSync(toy.layout.incoming)).toEqual([]);
  toy.upstream.behave = honest;
  expect(sha256(await bytesOf(await get("large.tgz")))).toBe(sha256(sent["large.tgz"]!));
});

test("upstream's no is a 404, an upstream that cannot be asked is not", async () => {
  const { sent } = await open();
  expect((await problemOf(get("unknown.tgz"))).kind).toBe("notFound");
  delete sent["small.tgz"];
  expect((await problemOf(get("small.tgz"))).kind).toBe("notFound");
  toy.upstream.away = "offline";
  expect((await problemOf(get("large.tgz"))).kind).toBe("offline");
  toy.clock.shift += 120_000; // the stored document is too old to say that a file does not exist; of this one the upstream said so
  expect((await problemOf(get("other.tgz"))).kind).toBe("offline");
  expect((await problemOf(get("unknown.tgz"))).kind).toBe("notFound");
});

test("a refusal by the upstream is not a no", async () => {
  await open();
  const honest = toy.upstream.behave;
  toy.upstream.behave = (asked) => (asked.path.endsWith(".tgz") ? answer(403) : honest(asked));
  const problem = await problemOf(get("small.tgz"));
  expect([problem.kind, problem.message]).toEqual([
    "refused",
    "Blocked by the upstream upstream.example.test: it answered 403",
  ]);
});

test("a blob that was cut or altered on disk is fetched again instead of served", async () => {
  await open();
  await bytesOf(await get("small.tgz"));
  const path = toy.blobPath(sha256(SMALL));
  chmodSync(path, 0o644);
  writeFileSync(path, Buffer.from("small and hOnest"));
  await toy.restart();
  expect(sha256(await bytesOf(await get("small.tgz")))).toBe(sha256(SMALL));
});

test("what the format itself knows of a file counts beside the documents", async () => {
  await open();
  const integrity = async () => sri(Buffer.from("something else"), "sha256");
  expect((await problemOf(get("small.tgz", { integrity, namedBy: [] }))).kind).toBe("tampered");
  const refuse = async () => {
    throw new Problem("tampered", "the signature does not verify");
  };
  expect((await problemOf(get("large.tgz", { integrity: refuse }).then(bytesOf))).message).toBe(
    "the signature does not verify",
  );
});

test("pins cannot be changed or removed, not even by SQL", async () => {
  await open();
  await bytesOf(await get("small.tgz"));
  for (const statement of ["UPDATE pins SET sha256 = 'x'", "DELETE FROM pins"])
    expect(toy.database.write((sql) => sql.unsafe(statement))).rejects.toThrow("pins are final");
});

test("a claimed name is refused before anything is asked", async () => {
  toy = await openToy({ claims: ["thing"] });
  expect((await problemOf(get("small.tgz"))).kind).toBe("notFound");
  expect(toy.upstream.asked).toEqual([]);
});

test("a file that only a slow upstream's newer document names is waited for", async () => {
  const { named, sent } = await open({ "small.tgz": SMALL });
  await bytesOf(await get("small.tgz"));
  named["new.tgz"] = sri(LARGE);
  sent["new.tgz"] = LARGE;
  toy.clock.shift += 61_000;
  const honest = toy.upstream.behave;
  const gate = Promise.withResolvers<void>();
  toy.upstream.behave = async (asked) => {
    if (asked.path === "thing") await gate.promise;
    return honest(asked);
  };
  const asked = get("new.tgz");
  // Who only wants to see the document is answered with the old one meanwhile, which takes a second.
  const seen = await toy.repository.view(index, { variant: "all", base: "" }, {});
  expect(seen.cache?.detail).toBe("slow");
  gate.resolve();
  expect(sha256(await bytesOf(await asked))).toBe(sha256(LARGE));
});

test("a document that finds no room on the disk is no proof that a file does not exist", async () => {
  await open();
  toy.upstream.behave = ({ path }) => {
    if (path === "thing") throw new Problem("full", "The disk is full");
    return answer(200, SMALL);
  };
  expect((await problemOf(get("small.tgz"))).kind).toBe("full");
});
