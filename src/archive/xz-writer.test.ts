// What is written is what is read again: text, what cannot be made smaller, what repeats for ever, and all of them in turns.
import { expect, test } from "bun:test";
import { decompressed } from "./decompress.ts";
import { xzBlock, xzFile } from "./xz-writer.ts";

/** The same each time: x^32 + … as a register of bits. */
function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}

function paragraphs(count: number): Buffer {
  const digests = noise(count * 16).toString("hex");
  const texts = Array.from(
    { length: count },
    (_, at) =>
      `Package: shell${at}\nVersion: 1.${at % 7}-1\nArchitecture: amd64\nMaintainer: Ann <ann@example.test>\nSHA256: ${digests.slice(at * 32, at * 32 + 32)}\nDescription: the shell of sea ${at % 11}\n\n`,
  );
  return Buffer.from(texts.join(""));
}

async function unpacked(file: Uint8Array): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  async function* once() {
    yield file;
  }
  for await (const chunk of decompressed("Packages.xz", once(), 2 ** 30)) parts.push(chunk.slice());
  return Buffer.concat(parts);
}

const inTurns = Buffer.concat([
  paragraphs(400),
  noise(200_000),
  paragraphs(500),
  noise(70_000, 7),
  Buffer.alloc(70_000, "ab"),
  paragraphs(20),
]);

const cases: [name: string, bytes: Buffer][] = [
  ["nothing", Buffer.alloc(0)],
  ["one byte", Buffer.from("a")],
  ["three bytes", Buffer.from("aba")],
  ["a few lines", Buffer.from("apples and pears\napples and pears\n")],
  ["paragraphs", paragraphs(3000)],
  ["noise alone", noise(300_000)],
  ["zeros beyond what a chunk can tell", Buffer.alloc(2 ** 21 + 100_000)],
  ["two bytes in turns", Buffer.alloc(500_000, "ab")],
  ["all of them", inTurns],
];

for (const [name, bytes] of cases)
  test(`${name} is read again as it was`, async () => {
    const blocks = bytes.length === 0 ? [] : [xzBlock(bytes)];
    const file = xzFile(blocks);
    expect((await unpacked(file)).equals(bytes)).toBe(true);
    expect(Buffer.from(xzFile(blocks)).equals(file)).toBe(true);
  });

test("each length from nothing on, of little and of much variety", async () => {
  const [rare, often] = [noise(300, 3), noise(300, 5).map((byte) => 97 + (byte & 1))];
  for (let length = 1; length <= 300; length++) {
    const blocks = [xzBlock(rare.subarray(0, length)), xzBlock(often.subarray(0, length))];
    const both = Buffer.concat([rare.subarray(0, length), often.subarray(0, length)]);
    expect((await unpacked(xzFile(blocks))).equals(both)).toBe(true);
  }
});

test("blocks are independent of each other: a file of them is what they hold, in their order", async () => {
  const [one, other] = [paragraphs(50), paragraphs(900)];
  const [first, second] = [xzBlock(one), xzBlock(other)];
  expect(
    (await unpacked(xzFile([first, second, first]))).equals(Buffer.concat([one, other, one])),
  ).toBe(true);
});

test("text becomes smaller than half, and noise hardly larger than it is", () => {
  const text = paragraphs(3000);
  expect(xzFile([xzBlock(text)]).length).toBeLessThan(text.length / 3);
  expect(xzFile([xzBlock(noise(300_000))]).length).toBeLessThan(300_200);
});
