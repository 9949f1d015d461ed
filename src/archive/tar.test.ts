import { expect, test } from "bun:test";
import { Problem } from "../core/problem.ts";
import { readTar, type TarEntry, tarLimits } from "./tar.ts";
import { end, type Part, pax, tar, tarPart } from "./testdata/archives.ts";

interface Read extends Omit<TarEntry, "chunks"> {
  text: string;
}

/** In pieces of `piece` bytes. */
async function read(bytes: Uint8Array, piece = 100, limits = tarLimits): Promise<Read[]> {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  }
  const found: Read[] = [];
  for await (const { chunks, ...entry } of readTar(pieces(), limits)) {
    let text = "";
    for await (const chunk of chunks()) text += Buffer.from(chunk).toString("latin1");
    found.push({ ...entry, text });
  }
  return found;
}

const file = (name: string, text = "", more: Partial<Part> = {}): Part => ({ name, text, ...more });

test("files, folders and links, in the archive's order, in pieces of any size", async () => {
  const bytes = tar(
    file("a/", "", { flag: "5", mode: 0o755 }),
    file("a/run", "x".repeat(1000), { mode: 0o755 }),
    file("a/empty"),
    file("a/link", "", { flag: "2", target: "run" }),
    file("a/same", "", { flag: "1", target: "a/run" }),
    file("a/device", "", { flag: "3" }),
    file("a/last", "y".repeat(512)),
  );
  for (const piece of [1, 7, 511, 512, 513, 100_000])
    expect(
      (await read(bytes, piece)).map((entry) => [
        entry.type,
        entry.name,
        entry.target,
        entry.mode,
        entry.text.length,
      ]),
    ).toEqual([
      ["directory", "a/", "", 0o755, 0],
      ["file", "a/run", "", 0o755, 1000],
      ["file", "a/empty", "", 0o644, 0],
      ["symlink", "a/link", "run", 0o644, 0],
      ["hardlink", "a/same", "a/run", 0o644, 0],
      ["other", "a/device", "", 0o644, 0],
      ["file", "a/last", "", 0o644, 512],
    ]);
});

test("what is not read is skipped", async () => {
  const names: string[] = [];
  async function* source() {
    yield tar(file("a", "x".repeat(5000)), file("b", "y"));
  }
  for await (const { name } of readTar(source())) names.push(name);
  expect(names).toEqual(["a", "b"]);
});

test("long names: prefix, GNU's and pax, for one entry or for all", async () => {
  const long = `${"d".repeat(120)}/${"f".repeat(120)}`;
  const bytes = tar(
    file("name", "", { prefix: "deep/folder" }),
    file("././@LongLink", `${long}\0`, { flag: "L" }),
    file("short"),
    file("x", pax({ path: `p/${long}`, mtime: "1.5" }), { flag: "x" }),
    file("short", "abc"),
    file("x", pax({ comment: "c0ffee" }), { flag: "g" }),
    file("plain"),
    file("././@LongLink", long, { flag: "K" }),
    file("link", "", { flag: "2", target: "short" }),
  );
  expect((await read(bytes)).map(({ name, target }) => [name, target])).toEqual([
    ["deep/folder/name", ""],
    [long, ""],
    [`p/${long}`, ""],
    ["plain", ""],
    ["link", long],
  ]);
});

test("the end may be missing, what ends early may not", async () => {
  const one = tarPart(file("a", "x".repeat(700)));
  expect(await read(one)).toHaveLength(1);
  expect(await read(Buffer.concat([one, end]))).toHaveLength(1);
  expect(await read(new Uint8Array(0))).toEqual([]);
  for (const length of [1, 511, 600, 1300])
    expect(read(one.subarray(0, length))).rejects.toMatchObject({ kind: "malformed" });
});

function broken(at: number, ...bytes: number[]): Uint8Array {
  const block = tar(file("a", "x"));
  block.set(bytes, at);
  return block;
}

const bad: [what: string, bytes: Uint8Array][] = [
  ["a wrong checksum", broken(0, 0x62)],
  ["a checksum that is none", broken(148, 0x39)],
  ["a page", Buffer.from("<html>".repeat(200))],
  ["an extended header that is none", tar(file("x", "nonsense", { flag: "x" }), file("a"))],
  [
    "an extended header with a wrong length",
    tar(file("x", "99 path=a\n", { flag: "x" }), file("a")),
  ],
  ["an extended header without a key", tar(file("x", "5 =a\n", { flag: "x" }), file("a"))],
  ["a size that is none", tar(file("x", pax({ size: "-1" }), { flag: "x" }), file("a"))],
  ["an extended header that is too large", tar(file("x", "x".repeat(2 ** 21), { flag: "x" }))],
];

for (const [what, bytes] of bad)
  test(`${what} is refused`, () => expect(read(bytes, 4096)).rejects.toBeInstanceOf(Problem));

test("no more entries are read than the limit says", () => {
  const bytes = tar(file("a"), file("b"), file("c"));
  expect(read(bytes, 512, { ...tarLimits, entries: 2 })).rejects.toThrow("more than 2 entries");
});
