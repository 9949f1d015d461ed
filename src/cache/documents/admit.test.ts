import { afterEach, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import type { Candidate } from "../../core/document.ts";
import type { AnyFormat } from "../../core/format.ts";
import { Problem } from "../../core/problem.ts";
import type { Repository } from "../../core/repository.ts";
import { answer, artifact, index, openToy, sri, toy } from "../testkit.ts";

let open: Awaited<ReturnType<typeof openToy>>;
afterEach(() => open.close());

type Admit = (candidate: Candidate, repository: Repository) => Promise<void>;

/** A toy whose documents must be admitted, and have a model. */
function strict(admit: Admit): AnyFormat {
  const { index: type } = toy.documents;
  async function model({ source }: { source: { json(): Promise<unknown> } }) {
    return Object.keys(((await source.json()) as { files: object }).files);
  }
  return {
    ...toy,
    mount: (repository) => ({ ...toy.mount(repository), admit }),
    documents: { index: { ...type!, model } },
  };
}

const files = (...names: string[]) =>
  answer(200, JSON.stringify({ files: Object.fromEntries(names.map((name) => [name, null])) }));
const model = (which?: "fresh" | "stored" | "now") => open.repository.model<string[]>(index, which);
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error) => error,
  );

test("what is not admitted never takes the place of the copy in service, and is told once", async () => {
  const seen: (string[] | null)[] = [];
  open = await openToy({
    format: strict(async ({ source, previous }) => {
      const { files: named } = (await source.json()) as { files: object };
      const before = (await previous?.source.json()) as { files: object } | undefined;
      seen.push(before ? Object.keys(before.files) : null);
      if ("bad" in named) throw new Problem("tampered", "It is older", { event: "rollback" });
    }),
  });
  open.upstream.behave = () => files("a");
  expect((await model()).model).toEqual(["a"]);
  const { digest } = await model();
  open.upstream.behave = () => files("a", "bad");
  for (let turn = 0; turn < 3; turn += 1) {
    open.clock.shift += 120_000;
    const stale = await model("now");
    expect(stale.model).toEqual(["a"]);
    expect(stale.digest).toBe(digest);
    expect(stale.cache.detail).toBe("tampered");
  }
  expect(seen).toEqual([null, ["a"], ["a"], ["a"]]);
  expect((await open.events()).map(({ kind, message }) => [kind, message])).toEqual([
    ["rollback", "It is older; the copy of thing stored before is served"],
  ]);
  open.upstream.behave = () => files("b");
  open.clock.shift += 120_000;
  expect((await model("now")).model).toEqual(["b"]);
});

test("what must be there before clients see a copy is fetched first, and the old copy is served meanwhile", async () => {
  const bytes = Buffer.from("the bytes of a");
  open = await openToy({
    format: strict(async ({ source }, repository) => {
      const { files: named } = (await source.json()) as { files: object };
      for (const file of Object.keys(named)) {
        const integrity = async () => sri(bytes, "sha256");
        await repository.fetch(artifact(file, { namedBy: [], integrity }));
      }
    }),
  });
  let isThere = true;
  open.upstream.behave = ({ path }) => {
    if (path === index.path) return files("a", "b");
    return isThere ? answer(200, bytes) : answer(404);
  };
  await model();
  expect((await open.repository.stored("thing")).map(({ file }) => file).sort()).toEqual([
    "a",
    "b",
  ]);

  isThere = false;
  open.upstream.behave = ({ path }) => (path === index.path ? files("c") : answer(404));
  open.clock.shift += 120_000;
  expect((await model("now")).model).toEqual(["a", "b"]);
});

test("bytes that were never admitted are told of too, and not fetched again at once", async () => {
  open = await openToy({
    format: strict(async () => {
      throw new Problem("tampered", "Nobody known signed it", { event: "unsigned" });
    }),
  });
  open.upstream.behave = () => files("a");
  expect((await failure(model()))?.message).toBe("Nobody known signed it");
  expect((await failure(model()))?.message).toBe("Nobody known signed it");
  expect(open.upstream.asked).toHaveLength(1);
  expect((await open.events()).map(({ kind }) => kind)).toEqual(["unsigned"]);
  open.clock.shift += 60_000;
  await failure(model());
  expect(open.upstream.asked).toHaveLength(2);
});

test("a stored model is told without asking, a new one after asking", async () => {
  open = await openToy({ format: strict(async () => {}) });
  open.upstream.behave = () => files("a");
  expect((await model("stored")).model).toEqual(["a"]); // nothing was stored: asked
  open.clock.shift += 3_600_000;
  open.upstream.behave = () => files("b");
  expect((await model("stored")).model).toEqual(["a"]);
  expect(open.upstream.asked).toHaveLength(1);
  const news = await model("now");
  expect(news.model).toEqual(["b"]);
  expect((await model("stored")).digest).toBe(news.digest);
  await open.restart();
  expect((await model("stored")).model).toEqual(["b"]);
});

test("a change is dated at least a second after the one before", async () => {
  open = await openToy({ format: strict(async () => {}) });
  open.upstream.behave = () => files("a");
  const first = await model();
  open.upstream.behave = () => files("b");
  open.clock.shift += 5;
  const second = await model("now");
  expect(Math.floor(second.changedAt / 1000)).toBeGreaterThan(Math.floor(first.changedAt / 1000));
});

test("a model of bytes that are lost is made of what the upstream has, or told to be lost", async () => {
  open = await openToy({ format: strict(async () => {}) });
  open.upstream.behave = () => files("a");
  await model();
  const lose = async () => {
    const [row] = await open.database.read`SELECT blob FROM documents`;
    rmSync(open.blobPath(row.blob));
    await open.restart();
  };
  await lose();
  expect((await failure(model("stored")))?.kind).toBe("unreachable");
  open.upstream.away = "unreachable";
  expect((await failure(model()))?.kind).toBe("unreachable");
  open.upstream.away = null;
  expect((await model()).model).toEqual(["a"]);
  expect((await model("stored")).model).toEqual(["a"]);
});
