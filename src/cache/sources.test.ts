import { afterEach, expect, test } from "bun:test";
import type { SourceRelease } from "../core/source.ts";
import { makeRepository } from "../git/testkit.ts";
import {
  answer,
  artifact,
  bytesOf,
  everything,
  fakeUpstream,
  index,
  openToy,
  request,
} from "./testkit.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

async function scene() {
  const toy = await openToy();
  const code = makeRepository();
  cleanups.push(() => toy.close(), code.remove);
  code.commit({ "a.txt": "one\n" });
  code.tag("v1");
  const upstream = fakeUpstream();
  const settings = { names: "thing", git: code.url, everyMs: 1, limit: 2 ** 30 };
  const mounted = toy.also("made", upstream, { sources: [settings] });
  const repository = mounted.repository.for(everything);
  let builds = 0;
  const build = async (): Promise<SourceRelease> => {
    builds += 1;
    const { purl } = artifact("a.tgz");
    const file = { file: "a.tgz", kind: "any", purl, path: "/a.tgz", metadata: null };
    return { metadata: null, files: [{ ...file, bytes: once(`made ${builds}`), limit: 100 }] };
  };
  const read = async () =>
    Buffer.from(await bytesOf(await repository.artifact(artifact("a.tgz"), request()))).toString();
  return { toy, code, upstream, mounted, repository, build, read, builds: () => builds };
}

test("what is made of code is made once, and then needs neither code host nor mirror", async () => {
  const { code, upstream, repository, build, read, builds } = await scene();
  const source = repository.sources.for("thing")!;
  await expect(read()).rejects.toMatchObject({ kind: "notFound", rule: "claims" });
  const publish = () => source.publish("thing", "1", "a.tgz", build);
  await Promise.all([publish(), publish()]);
  code.remove();
  await publish();
  expect(await read()).toBe("made 1");
  expect(builds()).toBe(1);
  const { bytes } = await repository.read(index, { variant: "all", base: "" });
  expect(Buffer.from(bytes).toString()).toContain("a.tgz");
  expect(upstream.asked).toEqual([]);
});

test("what somebody removed is not made again, until they restore it", async () => {
  const { mounted, repository, build, read } = await scene();
  const source = repository.sources.for("thing")!;
  const publish = () => source.publish("thing", "1", "a.tgz", build);
  await publish();
  expect(await source.removed("thing")).toEqual(new Set());
  await mounted.hosting(everything).remove("thing", { version: "1" });
  await expect(publish()).rejects.toThrow(/published in made and removed/);
  expect(await source.removed("thing")).toEqual(new Set(["a.tgz"]));
  await mounted.hosting(everything).restore("thing", { version: "1" });
  await publish();
  expect(await read()).toBe("made 1");
});

test("what was fetched before the name was covered stays what it was", async () => {
  const { toy, code, build } = await scene();
  const upstream = fakeUpstream();
  upstream.behave = ({ path }) =>
    path === "thing"
      ? answer(200, JSON.stringify({ files: { "a.tgz": null } }))
      : answer(200, "fetched");
  await toy.also("moved", upstream).repository.for(everything).fetch(artifact("a.tgz"));
  const settings = { names: "thing", git: code.url, everyMs: 1, limit: 2 ** 30 };
  const mounted = toy.also("moved", upstream, { sources: [settings] });
  const repository = mounted.repository.for(everything);
  const source = repository.sources.for("thing")!;
  await source.publish("thing", "1", "a.tgz", build);
  const reply = await repository.artifact(artifact("a.tgz"), request());
  expect(Buffer.from(await bytesOf(reply)).toString()).toBe("fetched");
  await mounted.hosting(everything).remove("thing", { version: "1" });
  await expect(source.publish("thing", "1", "a.tgz", build)).rejects.toThrow(/removed/);
});

test("what cannot be made leaves nothing, and is tried again", async () => {
  const { toy, repository, build, read } = await scene();
  const source = repository.sources.for("thing")!;
  const broken = async (): Promise<SourceRelease> => {
    const made = await build();
    const [file] = made.files;
    return { ...made, files: [{ ...file!, limit: 3 }] };
  };
  await expect(source.publish("thing", "1", "a.tgz", broken)).rejects.toMatchObject({
    kind: "tooLarge",
  });
  expect(repository.hosting.owns("thing")).toBe(false);
  await source.publish("thing", "1", "a.tgz", build);
  expect(await read()).toBe("made 2");
  expect(toy.upstream.asked).toEqual([]);
});
