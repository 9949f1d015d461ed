// The reader against archives that are right, that lie, and that are broken at random.
import { expect, test } from "bun:test";
import { crc32, deflateRawSync } from "node:zlib";
import type { RandomAccess } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";
import { readAhead, readDirectory, readEntry, type ZipLimits, zipLimits } from "./zip.ts";

interface Member {
  name: string;
  data: Uint8Array;
  /** Kept as it is instead of deflated. */
  stored?: boolean;
  /** Written in place of the truth, in the directory. */
  lie?: { size?: number; crc?: number; method?: number; flags?: number; offset?: number };
  zip64?: boolean;
}

function central(member: Member, packed: Uint8Array, offset: number): Buffer {
  const { lie = {} } = member;
  const name = Buffer.from(member.name);
  const size = lie.size ?? member.data.length;
  const extra = Buffer.alloc(member.zip64 ? 28 : 0);
  if (member.zip64) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    extra.writeBigUInt64LE(BigInt(size), 4);
    extra.writeBigUInt64LE(BigInt(packed.length), 12);
    extra.writeBigUInt64LE(BigInt(lie.offset ?? offset), 20);
  }
  const head = Buffer.alloc(46);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt16LE(lie.flags ?? 0x800, 8);
  head.writeUInt16LE(lie.method ?? (member.stored ? 0 : 8), 10);
  head.writeUInt32LE(lie.crc ?? crc32(member.data), 16);
  head.writeUInt32LE(member.zip64 ? 0xffffffff : packed.length, 20);
  head.writeUInt32LE(member.zip64 ? 0xffffffff : size, 24);
  head.writeUInt16LE(name.length, 28);
  head.writeUInt16LE(extra.length, 30);
  head.writeUInt32LE(member.zip64 ? 0xffffffff : (lie.offset ?? offset), 42);
  return Buffer.concat([head, name, extra]);
}

function makeZip(members: Member[], comment = ""): Buffer {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const member of members) {
    const packed = member.stored ? member.data : deflateRawSync(member.data);
    const name = Buffer.from(member.name);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(name.length, 26);
    parts.push(head, name, packed);
    directory.push(central(member, packed, offset));
    offset += 30 + name.length + packed.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...parts, ...directory, end, Buffer.from(comment)]);
}

/** The same archive with a ZIP64 end of directory, the old one full of ones. */
function widenEnd(zip: Buffer): Buffer {
  const end = zip.length - 22;
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(BigInt(zip.readUInt16LE(end + 10)), 32);
  record.writeBigUInt64LE(BigInt(zip.readUInt32LE(end + 12)), 40);
  record.writeBigUInt64LE(BigInt(zip.readUInt32LE(end + 16)), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(end), 8);
  const old = Buffer.from(zip.subarray(end));
  old.fill(0xff, 8, 20);
  return Buffer.concat([zip.subarray(0, end), record, locator, old]);
}

function inMemory(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

async function unpack(zip: Uint8Array, limits?: Partial<ZipLimits>): Promise<Map<string, Buffer>> {
  const file = readAhead(inMemory(zip), 4096);
  const found = new Map<string, Buffer>();
  for (const entry of await readDirectory(file, { ...zipLimits, ...limits })) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of readEntry(file, entry)) chunks.push(chunk);
    found.set(entry.name, Buffer.concat(chunks));
  }
  return found;
}

const text = Buffer.from("package m\n".repeat(50));
const noise = Buffer.alloc(3 * 2 ** 20);
for (let at = 0, state = 1; at < noise.length; at += 1) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  noise[at] = state >>> 24;
}

test("stored, deflated, empty and large entries are read back", async () => {
  const members: Member[] = [
    { name: "a.go", data: text },
    { name: "b.bin", data: noise },
    { name: "c.bin", data: noise, stored: true },
    { name: "empty", data: Buffer.alloc(0) },
    { name: "dir/é.go", data: text, stored: true },
  ];
  const found = await unpack(makeZip(members, "a comment"));
  expect([...found.keys()]).toEqual(members.map(({ name }) => name));
  for (const { name, data } of members) expect(found.get(name)!.equals(data)).toBe(true);
});

test("ZIP64 sizes, offsets and directories are understood", async () => {
  const zip = makeZip([
    { name: "first", data: noise },
    { name: "a.go", data: text, zip64: true },
  ]);
  expect((await unpack(zip)).get("a.go")).toEqual(text);
  expect((await unpack(widenEnd(zip))).get("a.go")).toEqual(text);
});

test("a name that is not UTF-8 is read as Latin-1 and keeps its bytes", async () => {
  const zip = makeZip([{ name: "é", data: text }]);
  for (let at = 0; at < zip.length - 1; at += 1)
    if (zip[at] === 0xc3 && zip[at + 1] === 0xa9) zip[at] = 0xe9;
  const [entry] = await readDirectory(inMemory(zip));
  expect(entry?.name).toBe("é©");
  expect([...entry!.rawName]).toEqual([0xe9, 0xa9]);
});

const one = (lie: Member["lie"], data: Uint8Array = text): Buffer =>
  makeZip([{ name: "a.go", data, ...(lie ? { lie } : {}) }]);
const lies: [what: string, zip: Buffer, limits?: Partial<ZipLimits>][] = [
  ["a size too small", one({ size: 10 })],
  ["a size too large", one({ size: 5000 })],
  ["a size too small of a large entry", one({ size: 2 ** 21 }, noise)],
  ["another checksum", one({ crc: 1 })],
  ["encryption", one({ flags: 1 })],
  ["an unknown method", one({ method: 12 })],
  ["no header where it points", one({ offset: 1 })],
  ["stored with two sizes", one({ method: 0 })],
  ["an entry behind the end", one({ offset: 2 ** 31 })],
  ["too many entries", one({}), { entries: 0 }],
  ["a name too long", one({}), { nameLength: 3 }],
  ["an entry too large", one({}), { entrySize: 100 }],
  ["too much in all", one({}), { totalSize: 100 }],
  ["a directory too large", one({}), { directorySize: 10 }],
  ["a NUL in a name", makeZip([{ name: "a\0b", data: text }])],
  ["an empty name", makeZip([{ name: "", data: text }])],
  ["bytes before the archive", Buffer.concat([Buffer.from("MZ"), one({})])],
  ["a page of HTML", Buffer.from("<html>".repeat(50))],
  ["nothing", Buffer.alloc(0)],
];
for (const [what, zip, limits] of lies)
  test(`an archive with ${what} is malformed`, async () => {
    await expect(unpack(zip, limits)).rejects.toMatchObject({ kind: "malformed" });
  });

test("an entry that unpacks to more than it says is cut at what it says", async () => {
  const file = inMemory(one({ size: 2 ** 21 }, noise));
  const [entry] = await readDirectory(file);
  let seen = 0;
  const read = async () => {
    for await (const chunk of readEntry(file, entry!)) seen += chunk.length;
  };
  await expect(read()).rejects.toMatchObject({ kind: "malformed" });
  expect(seen).toBeLessThanOrEqual(2 ** 21);
});

test("bytes that belong to no entry make a directory malformed", async () => {
  const zip = makeZip([
    { name: "a", data: text },
    { name: "b", data: text },
  ]);
  const end = zip.length - 22;
  const gap = Buffer.concat([zip.subarray(0, end), Buffer.alloc(8), zip.subarray(end)]);
  await expect(readDirectory(inMemory(gap))).rejects.toMatchObject({ kind: "malformed" });
  const fewer = Buffer.from(zip);
  fewer.writeUInt16LE(1, end + 10);
  await expect(readDirectory(inMemory(fewer))).rejects.toMatchObject({ kind: "malformed" });
});

test("a bomb is refused by its directory alone", async () => {
  const zeros = Buffer.alloc(65 * 2 ** 20);
  const zip = makeZip([{ name: "bomb", data: zeros }]);
  expect(zip.length).toBeLessThan(2 ** 17);
  await expect(readDirectory(inMemory(zip))).rejects.toMatchObject({ kind: "malformed" });
});

test("entries that share their bytes are refused", async () => {
  const zip = makeZip([
    { name: "a", data: noise, lie: { offset: 0 } },
    { name: "b", data: text },
  ]);
  const shared = await readDirectory(inMemory(zip));
  expect(shared).toHaveLength(2);
  // The same large entry named again: more packed bytes than the file holds.
  const end = zip.length - 22;
  const offset = zip.readUInt32LE(end + 16);
  const size = zip.readUInt32LE(end + 12);
  const directory = zip.subarray(offset, offset + size);
  const doubled = Buffer.concat([zip.subarray(0, end), directory, zip.subarray(end)]);
  doubled.writeUInt16LE(4, end + size + 10);
  doubled.writeUInt32LE(size * 2, end + size + 12);
  await expect(readDirectory(inMemory(doubled))).rejects.toMatchObject({ kind: "malformed" });
});

test("an archive cut anywhere is malformed", async () => {
  const zip = makeZip([
    { name: "a.go", data: text },
    { name: "b.go", data: text, stored: true },
  ]);
  for (let length = 0; length < zip.length; length += 1)
    await expect(unpack(zip.subarray(0, length))).rejects.toBeInstanceOf(Problem);
});

test("random damage ends in the right bytes or in a Problem", async () => {
  const zip = makeZip([
    { name: "a.go", data: text },
    { name: "b.go", data: noise.subarray(0, 900) },
  ]);
  let state = 99;
  const next = (bound: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  let refused = 0;
  for (let round = 0; round < 3000; round += 1) {
    const damaged = Buffer.from(zip);
    damaged[next(zip.length)] = next(256);
    try {
      const contents = [...(await unpack(damaged)).values()];
      expect(contents[0]!.equals(text)).toBe(true);
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(1000);
});
