import { afterEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import type { Artifact } from "../core/artifact.ts";
import type { AnyFormat } from "../core/format.ts";
import { Problem } from "../core/problem.ts";
import { grantOf } from "../core/testkit.ts";
import type { HostedRoom } from "../hosted/hosting.ts";
import { offline } from "../upstream/offline.ts";
import { baseUpstream, layered } from "./bases.ts";
import type { Mounted } from "./repository.ts";
import {
  answer,
  artifact,
  bytesOf,
  everything,
  fakeUpstream,
  index,
  openToy,
  request,
  sha256,
  sri,
  toy,
} from "./testkit.ts";

let open: Awaited<ReturnType<typeof openToy>>;
afterEach(() => open.close());

const view = { variant: "all", base: "http://localhost/top" };

/** The toy with a protocol: `/<package>` is an index as an upstream sends it, `/<package>/<file>` a file. */
const spoken: AnyFormat = {
  ...toy,
  documents: {
    index: {
      ...toy.documents["index"]!,
      async *render({ source }) {
        const { files } = (await source.json()) as { files: Record<string, unknown> };
        yield JSON.stringify({ files });
      },
    },
  },
  parse(_method, path) {
    const [, name, file] = /^\/(\w+)(?:\/(.+))?$/.exec(path) ?? [];
    return name === undefined ? null : { kind: "any", name, file };
  },
  mount: () => ({
    async serve(route, asked, repository) {
      const { name, file } = route as unknown as { name: string; file?: string };
      if (file) return repository.artifact(fileOf(name, file), asked);
      return repository.view(indexOf(name), { variant: "all", base: asked.base }, {});
    },
  }),
};
const indexOf = (name: string) => ({ ...index, key: name, package: name, path: name });
const fileOf = (name: string, file: string): Artifact =>
  artifact(file, { package: name, path: `${name}/${file}`, namedBy: [indexOf(name)] });

const names = async (of: Mounted, name = "thing") =>
  Object.keys(
    JSON.parse(
      Buffer.from((await of.repository.for(everything).read(indexOf(name), view)).bytes).toString(),
    ).files,
  );
const file = async (of: Mounted, name: string, path: string) =>
  Buffer.from(
    await bytesOf(await of.repository.for(everything).artifact(fileOf(name, path), request())),
  ).toString();
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error) => (error instanceof Problem ? error.kind : error),
  );

async function publish(room: HostedRoom, name: string, path: string, text: string) {
  const upload = await room.receive(
    name,
    (async function* () {
      yield Buffer.from(text);
    })(),
    1000,
  );
  const purl = `pkg:toy/${name}@1`;
  try {
    await room.publish({
      package: name,
      version: path,
      metadata: null,
      files: [{ file: path, kind: "any", purl, path: `/${name}/${path}`, upload, metadata: null }],
    });
  } finally {
    await upload.discard();
  }
}

/** `top` is built on `toy`, which may be published in, and on an upstream of its own after that. */
async function build(
  options: { claims?: string[]; isPublic?: (repository: string) => boolean; alone?: boolean } = {},
) {
  open = await openToy({
    format: spoken,
    ...(options.claims && { claims: options.claims }),
    ...(options.isPublic && { isPublic: options.isPublic }),
  });
  const base = options.alone
    ? open.also("alone", offline(), { hasUpstreams: false })
    : open.mounted;
  const last = fakeUpstream();
  const asked = baseUpstream(base, everything);
  const from = layered([
    { upstream: asked, base: asked },
    { upstream: last, base: null },
  ]);
  const top = open.also("top", from, { bases: [base] });
  return { base, last, top };
}
const files = (...paths: string[]) =>
  answer(200, JSON.stringify({ files: Object.fromEntries(paths.map((path) => [path, null])) }));

test("what a base has is had through it, and what it does not have of the next one", async () => {
  const { top, last } = await build();
  open.upstream.behave = ({ path }) =>
    path === "one" ? files("a") : path === "one/a" ? answer(200, "bytes of a") : answer(404);
  last.behave = ({ path }) =>
    path === "two" ? files("b") : path === "two/b" ? answer(200, "bytes of b") : answer(404);
  expect(await names(top, "one")).toEqual(["a"]);
  expect(await file(top, "one", "a")).toBe("bytes of a");
  expect(last.asked).toEqual([]);
  expect(await names(top, "two")).toEqual(["b"]);
  expect(await file(top, "two", "b")).toBe("bytes of b");
  expect(await failure(names(top, "three"))).toBe("notFound");
});

test("a part of a file that the base has is given as a part, and its size is told, before all of it was copied", async () => {
  const bytes = randomBytes(400 * 1024);
  const { top, base } = await build();
  open.upstream.behave = ({ path }) =>
    path === "one"
      ? answer(200, JSON.stringify({ files: { "a.whl": sri(bytes) } }))
      : answer(200, bytes, { "content-length": String(bytes.length) });
  const wheel = { ...fileOf("one", "a.whl"), kind: "parts" };
  const ask = async (of: Mounted, method: string, range?: string) => {
    const asked = request({
      method,
      header: (name) => (name === "range" ? (range ?? null) : null),
    });
    const { status, headers, body } = await of.repository.for(everything).artifact(wheel, asked);
    const { size } = body as { size: number };
    return { status, said: headers["content-range"], size, body };
  };
  await bytesOf(await base.repository.for(everything).artifact(wheel, request()));
  const last = await ask(top, "GET", "bytes=-1000");
  expect(last).toMatchObject({ status: 206, said: "bytes 408600-409599/409600" });
  expect(Buffer.from(last.body as Uint8Array)).toEqual(bytes.subarray(-1000));
  expect(open.upstream.asked.filter((path) => path === "one/a.whl")).toHaveLength(1);

  const other = open.also(
    "other",
    layered([{ upstream: baseUpstream(base, everything), base: null }]),
  );
  expect(await ask(other, "HEAD")).toMatchObject({ status: 200, size: bytes.length });
});

test("a base that is asked for a part answers as the network would", async () => {
  const { base } = await build();
  const bytes = randomBytes(400 * 1024);
  for (const [name, body] of [
    ["small", Buffer.from("0123456789")],
    ["large", bytes],
  ] as const) {
    open.upstream.behave = ({ path }) => (path === name ? files("a") : answer(200, body));
    await bytesOf(await base.repository.for(everything).artifact(fileOf(name, "a"), request()));
    const ask = async (range: string) => {
      const { status, headers, body } = await baseUpstream(base, everything).fetch({
        path: `${name}/a`,
        headers: { range },
      });
      const got = Buffer.concat(await Array.fromAsync(body));
      expect(headers.get("content-length")).toBe(String(got.length));
      return [status, headers.get("content-range"), got];
    };
    const size = body.length;
    expect(await ask("bytes=2-5")).toEqual([206, `bytes 2-5/${size}`, body.subarray(2, 6)]);
    expect(await ask("bytes=-3")).toEqual([
      206,
      `bytes ${size - 3}-${size - 1}/${size}`,
      body.subarray(-3),
    ]);
    expect(await ask("bytes=999999-")).toEqual([416, `bytes */${size}`, Buffer.from("")]);
    expect(await ask("bytes=1-2,4-5")).toEqual([200, null, Buffer.from(body)]);
  }
});

test("what is published in a base is seen at once, is its alone, and is taken away at once", async () => {
  const { top, base, last } = await build();
  last.behave = () => files("evil");
  expect(await names(top)).toEqual(["evil"]);
  const asked = last.asked.length;
  const room = base.hosting(everything);
  await room.admit("thing", 1).catch((error) => expect(error).toBeNull());
  await publish(room, "thing", "a", "published");
  expect(await names(top)).toEqual(["a"]);
  const first = await top.repository.for(everything).view(indexOf("thing"), view, {});
  const again = await top.repository.for(everything).view(indexOf("thing"), view, {});
  expect(again.isCurrent!()).toBe(true);
  await publish(room, "thing", "b", "more");
  expect(again.isCurrent!()).toBe(false);
  expect(first.etag).not.toBe(
    (await top.repository.for(everything).view(indexOf("thing"), view, {})).etag,
  );
  expect(await names(top)).toEqual(["a", "b"]);
  expect(await file(top, "thing", "a")).toBe("published");
  expect(await failure(file(top, "thing", "evil"))).toBe("notFound");
  await room.remove("thing", { file: "a" });
  expect(await names(top)).toEqual(["b"]);
  expect(await failure(file(top, "thing", "a"))).toBe("notFound");
  expect(last.asked.length).toBe(asked);
  expect(top.repository.claims("thing")).toBe(true); // no audit tells an upstream of it
});

test("a reply that repeats ends when its package comes to belong to another repository", async () => {
  const { top, base, last } = await build();
  last.behave = ({ path }) => (path === "thing/a" ? answer(200, "fetched") : files("a"));
  const repository = top.repository.for(everything);
  const ask = async () => [
    await repository.view(indexOf("thing"), view, {}),
    await repository.artifact(fileOf("thing", "a"), request()),
  ];
  await ask();
  const fetched = await ask();
  expect(fetched.map((reply) => reply.isCurrent!())).toEqual([true, true]);
  await publish(base.hosting(everything), "thing", "b", "published");
  expect(fetched.map((reply) => reply.isCurrent!())).toEqual([false, false]);
});

test("a name that a repository claims itself may be published in it beside its base: it then shows its own", async () => {
  const { base } = await build();
  await publish(base.hosting(everything), "thing", "a", "of the base");
  const asked = baseUpstream(base, everything);
  const own = open.also("own", layered([{ upstream: asked, base: asked }]), {
    bases: [base],
    claims: ["thing"],
  });
  expect(await names(own)).toEqual(["a"]);
  await own.hosting(everything).admit("thing", 1);
  await publish(own.hosting(everything), "thing", "b", "its own");
  expect(await names(own)).toEqual(["b"]);
  expect(await names(base)).toEqual(["a"]);
});

test("of two bases the one that has published a name goes before the one that only claims it", async () => {
  const { base } = await build({ claims: ["thing"] });
  const other = open.also("other", offline(), { hasUpstreams: false });
  const both = [base, other];
  const layers = both.map((one) => baseUpstream(one, everything));
  const own = open.also("own", layered(layers.map((one) => ({ upstream: one, base: one }))), {
    bases: both,
  });
  expect(await failure(names(own))).toBe("notFound");
  await publish(other.hosting(everything), "thing", "a", "published");
  expect(await names(own)).toEqual(["a"]);
});

test("what a base claims is asked of nobody, whether it is there or not", async () => {
  const { top, last, base } = await build({ claims: ["mine", "mine-*"] });
  last.behave = () => files("evil");
  for (const name of ["mine", "mine_x", "mine"])
    expect([null, "notFound"]).toContain(await failure(names(top, name)));
  expect(await failure(names(top, "mine"))).toBe("notFound");
  expect(last.asked).not.toContain("mine");
  expect(open.upstream.asked).not.toContain("mine");
  await publish(base.hosting(everything), "mine", "a", "bytes");
  expect(await names(top, "mine")).toEqual(["a"]);
  const question = { path: "mine/extra", package: "mine" };
  expect((await top.repository.for(everything).ask(question)).status).toBe(404);
  expect(last.asked).not.toContain("mine/extra");
});

test("a base without upstreams says no to what it does not have, and keeps nobody from asking the next one", async () => {
  const { top, last } = await build({ alone: true });
  last.behave = ({ path }) => (path === "two" ? files("b") : answer(404));
  expect(await names(top, "two")).toEqual(["b"]);
  expect(await failure(names(top, "three"))).toBe("notFound");
});

test("an outage of a base's upstream is told as what it is, and is no no", async () => {
  const { top, last } = await build();
  open.upstream.behave = ({ path }) => (path === "one" ? files("a") : answer(404));
  expect(await names(top, "one")).toEqual(["a"]);
  open.upstream.away = "unreachable";
  expect(await failure(names(top, "other"))).toBe("unreachable");
  expect(last.asked).toContain("other");
  open.clock.shift += 10 * 60_000;
  const old = await top.repository.for(everything).read(indexOf("one"), view);
  expect(old.cache).toMatchObject({ detail: "unreachable" });
});

test("a warm request looks nothing up, and news of a base's upstream are not a base's freshness older here", async () => {
  const { top } = await build();
  let shown = ["a"];
  open.upstream.behave = () => files(...shown);
  const repository = top.repository.for(everything);
  // The first answer is fetched, the second one confirms it, and from then on the base is known to be as it was.
  for (let at = 0; at < 2; at += 1) await repository.view(indexOf("one"), view, {});
  const warm = await repository.view(indexOf("one"), view, {});
  const asked = open.upstream.asked.length;
  expect(await repository.view(indexOf("one"), view, {})).toBe(warm);
  expect(warm.isCurrent!()).toBe(true);
  expect(open.upstream.asked.length).toBe(asked);
  shown = ["a", "b"];
  open.clock.shift += 61_000;
  await open.repository.read(indexOf("one"), view); // somebody asks the base itself
  expect(warm.isCurrent!()).toBe(false);
  expect(await names(top, "one")).toEqual(["a", "b"]);
});

test("nothing of a base is published or changed through what is built on it; lists have it; reads are written down", async () => {
  const { top, base } = await build({
    claims: ["thing*"],
    isPublic: (repository) => repository !== "top",
  });
  await publish(base.hosting(everything), "thing", "a", "bytes");
  const room = top.hosting(grantOf("ann", () => true));
  expect(room.owns("thing")).toBe(true);
  expect((await room.read("thing"))!.releases).toHaveLength(1);
  expect(await room.search("", 10)).toEqual(["thing"]);
  expect(await top.repository.for(everything).documents("index", "", 10)).toEqual(["thing"]);
  for (const ask of [
    room.admit("thing", 1),
    publish(room, "thing", "b", "more"),
    room.change("thing", { action: "change", name: "tag" }, () => ({})),
    room.remove("thing", {}),
  ])
    expect(await failure(ask)).toBe("conflict");
  const reply = await top.repository.for(everything).artifact(fileOf("thing", "a"), request());
  expect(reply.privateRead).toMatchObject({
    package: "thing",
    purl: fileOf("thing", "a").purl,
    digest: sha256(Buffer.from("bytes")),
  });
  // A list of files is none of them.
  const listed = await top.repository.for(everything).view(indexOf("thing"), view, {});
  expect(listed.privateRead).toBeUndefined();
  const own = await base.repository.for(everything).artifact(fileOf("thing", "a"), request());
  expect(own.privateRead).toBeUndefined();
  // What nobody has published belongs to nobody yet.
  expect(await failure(room.remove("thingg", {}))).toBe("notFound");
  const nobody = top.repository.for(grantOf("", () => false));
  expect(await failure(nobody.read(indexOf("thing"), view))).toBe("unauthenticated");
});
