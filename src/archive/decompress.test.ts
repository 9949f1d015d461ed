// Every compression whole, cut, flipped, too large, and left early; xz with all its checks and several streams in one file.
import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { Problem } from "../core/problem.ts";
import { decompressed } from "./decompress.ts";

const TEXT = "apples and pears\n";
const LIMIT = 2 ** 30;

// xz --check=… and zstd, of the same text.
const XZ = {
  none: "/Td6WFoAAAD/EtlBAgAhARwAAAAQz1jMAQAQYXBwbGVzIGFuZCBwZWFycwoAAAAAAAEhETqAqcYGcp56AQAAAAAAWVo=",
  crc32:
    "/Td6WFoAAAFpIt42AgAhARwAAAAQz1jMAQAQYXBwbGVzIGFuZCBwZWFycwoAAAAA9Rdq3wABJRE+RcWikEKZDQEAAAAAAVla",
  crc64:
    "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jMAQAQYXBwbGVzIGFuZCBwZWFycwoAAAAAgvO6NeQL+X4AASkRMgpwDh+2830BAAAAAARZWg==",
};
/** xz --check=sha256, which the decoder does not know and which no repository uses. */
const XZ_SHA256 =
  "/Td6WFoAAArh+wyhAgAhARwAAAAQz1jMAQAQYXBwbGVzIGFuZCBwZWFycwoAAAAA71LM/lTGFIaMJDdUil3wayPI6kZAB91ocGEx0riiy+cAAUERnetUoxibS5oBAAAAAApZWg==";
// xz of 3,000,000 zeros, zstd of 500,000.
const XZ_ZEROS =
  "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj//8RAWxdAABv/f//o7f/Rz5IFXI5YVG4kijmo4YH+e7kHoLTL8U6PAFLsX7JiopNL6MN2X+m44wjEVPgWRjFdYrid/i2lH8MasDedElk4ulcU7IE2PdEDKtfDW1G6eXDdoi3llestk3haR1v+0uIEGxCy4g/XACP0E6vJiiUcR89jyThcJ6nI1/sKMuF0ZWYin4qkfIndfcZwAaYTZj92K/VkA/EJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvS5fqg8+S2ZCkBMO/xCT+HF4WfgLzf+VKEYPqfx83vuaMC5WwI+F84OBwGXEJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvEgn5liNx60AhADsc1On/b6ufDEan7eNMW5wnqcjX+woy4XRlZiKfiqR8id19xnABphNmP3Yr9WQD8QlU/j1kTYxBaWw7m/BcE1HDNGREaqtYB26zrEnGFxZhulmUli+6XasWeTlWwUI+cfarfz7Uit0zR5bIEL53VM9+ClkCTuAyyps37U78MS9FHktXQAAAACfA5m5yIb9IgABkgTAjbcBaatYJbHEZ/sCAAAAAARZWg==";
const ZST = "KLUv/QRoiQAAYXBwbGVzIGFuZCBwZWFycwpp6Nv0";
const ZST_ZEROS = "KLUv/QRoTAAACAABAPz/ORACAgAQAAIAEAADCQ0AjsTomg==";

const unbase = (base64: string) => Buffer.from(base64, "base64");

/** Bytes in pieces of some length, and whether they were let go of. */
function source(bytes: Uint8Array, length: number) {
  const state = { closed: false };
  let at = -length;
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      at += length;
      if (at < bytes.length) return { done: false, value: bytes.subarray(at, at + length) };
      state.closed = true;
      return { done: true, value: undefined };
    },
    async return() {
      state.closed = true;
      return { done: true, value: undefined };
    },
  };
  return { chunks: { [Symbol.asyncIterator]: () => iterator }, state };
}

async function read(name: string, bytes: Uint8Array, length = 7, limit = LIMIT): Promise<Buffer> {
  const { chunks, state } = source(bytes, length);
  const parts: Uint8Array[] = [];
  try {
    for await (const chunk of decompressed(name, chunks, limit)) parts.push(Buffer.from(chunk));
  } finally {
    expect(state.closed).toBe(true);
  }
  return Buffer.concat(parts);
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((error) => error);
  expect(error).toBeInstanceOf(Problem);
  const { kind, message } = error as Problem;
  expect(kind).toBe("malformed");
  return message;
}

const whole: [name: string, bytes: Uint8Array][] = [
  ["Packages", Buffer.from(TEXT)],
  ["Contents-amd64", Buffer.from(TEXT)],
  ["Packages.gz", gzipSync(TEXT)],
  ["Packages.zst", unbase(ZST)],
  ...Object.values(XZ).map((base64): [string, Uint8Array] => ["Packages.xz", unbase(base64)]),
];

for (const [name, bytes] of whole)
  test(`${name} of ${bytes.length} bytes, in pieces of any length`, async () => {
    for (const length of [1, 5, 12, 4096])
      expect((await read(name, bytes, length)).toString()).toBe(TEXT);
  });

test("an xz file may have several streams, with zeros between and after them", async () => {
  const [one, two] = [unbase(XZ.crc64), unbase(XZ.crc32)];
  const zeros = Buffer.alloc(8);
  for (const length of [1, 4, 30, 4096]) {
    const joined = await read("a.xz", Buffer.concat([one, two, zeros, one, zeros]), length);
    expect(joined.toString()).toBe(TEXT.repeat(3));
  }
});

test("much comes out of little", async () => {
  const xz = await read("a.xz", unbase(XZ_ZEROS));
  expect([xz.length, xz.every((byte) => byte === 0)]).toEqual([3_000_000, true]);
  expect((await read("a.zst", unbase(ZST_ZEROS))).length).toBe(500_000);
});

test("more than the limit is refused, exactly the limit is not", async () => {
  expect((await read("a.xz", unbase(XZ_ZEROS), 7, 3_000_000)).length).toBe(3_000_000);
  for (const [name, bytes] of [
    ["a.xz", unbase(XZ_ZEROS)],
    ["a.zst", unbase(ZST_ZEROS)],
    ["a.gz", gzipSync(Buffer.alloc(500_000))],
    ["a", Buffer.alloc(500_000)],
  ] as const)
    expect(await refusal(read(name, bytes, 4096, 499_999))).toContain("more than 499999 bytes");
});

for (const [name, bytes] of whole.slice(2)) {
  test(`${name} of ${bytes.length} bytes, cut anywhere`, async () => {
    for (let length = 0; length < bytes.length; length++)
      await refusal(read(name, bytes.subarray(0, length), 4096));
  });

  test(`${name} of ${bytes.length} bytes, with a flipped byte, gives the same text or a Problem`, async () => {
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 0x40;
      const result = await read(name, flipped, 4096).catch((error) => error);
      if (Buffer.isBuffer(result)) {
        // Headers have bytes that mean nothing. Without a check value xz cannot know.
        if (!unbase(XZ.none).equals(bytes)) expect(result.toString()).toBe(TEXT);
      } else {
        expect(result).toBeInstanceOf(Problem);
        expect(result.kind).toBe("malformed");
      }
    }
  });
}

test("what follows the end of an xz file is refused", async () => {
  const bytes = Buffer.concat([unbase(XZ.crc64), Buffer.alloc(4), Buffer.from("more of it")]);
  await refusal(read("a.xz", bytes, 4));
});

test("an empty file, and an unusual check", async () => {
  for (const name of ["a.gz", "a.xz", "a.zst"])
    expect(await refusal(read(name, Buffer.alloc(0)))).toContain(`${name} is not whole`);
  expect(await refusal(read("a.xz", unbase(XZ_SHA256)))).toContain("options of xz");
});

test("a page in place of the file", async () => {
  const page = Buffer.from("<!DOCTYPE html><html>Please log in</html>");
  for (const name of ["a.gz", "a.xz", "a.zst"])
    expect(await refusal(read(name, page))).toContain(`${name} is not whole or not what its name`);
});

test("compressions that cannot be read say so", async () => {
  expect(await refusal(read("Packages.lz", unbase(ZST)))).toContain("is not supported");
});

test("a reader that leaves lets go of the source, and of the decoder for the next", async () => {
  for (const [name, bytes] of [
    ["a.xz", unbase(XZ_ZEROS)],
    ["a.gz", gzipSync(Buffer.alloc(3_000_000))],
    ["a.zst", unbase(ZST_ZEROS)],
    ["a", Buffer.alloc(3_000_000)],
  ] as const)
    for (let turn = 0; turn < 3; turn++) {
      const { chunks, state } = source(bytes, 100);
      for await (const chunk of decompressed(name, chunks, LIMIT)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      expect(state.closed).toBe(true);
    }
  expect((await read("a.xz", unbase(XZ.crc32))).toString()).toBe(TEXT);
});

test("several xz files at a time, each read by someone of their own", async () => {
  const sizes = await Promise.all(
    [1, 2, 3, 4].map(async () => (await read("a.xz", unbase(XZ_ZEROS), 64)).length),
  );
  expect(sizes).toEqual([3_000_000, 3_000_000, 3_000_000, 3_000_000]);
});

test("what the source throws is thrown as it is", async () => {
  const failures = [new Problem("unreachable", "gone"), new Error("disk")];
  for (const failure of failures)
    for (const [name, bytes] of whole) {
      const broken = (async function* () {
        yield bytes.subarray(0, 10);
        throw failure;
      })();
      const reading = (async () => {
        for await (const chunk of decompressed(name, broken, LIMIT)) expect(chunk).toBeDefined();
      })();
      expect(await reading.catch((error) => error)).toBe(failure);
    }
});
