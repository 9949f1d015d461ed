import { expect, test } from "bun:test";
import { readJsonTexts } from "./json-texts.ts";
import { Problem } from "./problem.ts";

async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size = 1_000, half = false): Promise<unknown[]> {
  const seen: unknown[] = [];
  const isText = (entry: string, key: string) => entry.endsWith(".tgz") && key === "data";
  for await (const event of readJsonTexts(cut(text, size), "_attachments", isText, 1024)) {
    if (event.kind === "field") seen.push([event.key, event.value]);
    else if (event.kind === "member") seen.push([event.entry, event.key, event.value]);
    else {
      let all = "";
      for await (const part of event.chunks) {
        all += part;
        if (half) break;
      }
      seen.push([event.entry, event.key, half ? "…" : all]);
    }
  }
  return seen;
}

const document = JSON.stringify({
  name: "x",
  _attachments: {
    "x-1.tgz": { type: "t", data: "AB+/CD==", length: 4 },
    "x-1.sigstore": { data: '{"a":"\\"b"}' },
  },
  access: null,
});
const wanted = [
  ["name", "x"],
  ["x-1.tgz", "type", "t"],
  ["x-1.tgz", "data", "AB+/CD=="],
  ["x-1.tgz", "length", 4],
  ["x-1.sigstore", "data", '{"a":"\\"b"}'],
  ["access", null],
];

test("members come in order, texts as they are read, wherever the bytes are cut", async () => {
  for (let size = 1; size < 40; size += 1) expect(await read(document, size)).toEqual(wanted);
});

test("an escaped slash is a slash, wherever it is cut; any other escape is refused", async () => {
  const escaped = document.replace("AB+/CD==", "AB+\\/CD==");
  for (let size = 1; size < 40; size += 1) expect(await read(escaped, size)).toEqual(wanted);
  await expect(read(document.replace("AB+/", "AB\\n"))).rejects.toThrow("base64");
});

test("a text of which not all is read is passed over", async () => {
  const long = document.replace("AB+/CD==", "A".repeat(50_000));
  expect(await read(long, 100, true)).toEqual(
    wanted.map(([entry, key, value]) => [
      entry,
      key,
      ...(key === "data" && entry === "x-1.tgz" ? ["…"] : value === undefined ? [] : [value]),
    ]),
  );
});

test("what is no such document is refused", async () => {
  for (const text of [
    "",
    "[]",
    '{"_attachments":{"x.tgz":1}}',
    '{"_attachments":{"x.tgz":{"data":"AA',
    '{"_attachments":{"x.tgz":{"data":"AA","data":"AA"}}}',
    `${document} 1`,
    `{"name":"${"x".repeat(2000)}"}`,
  ]) {
    const error = await read(text).catch((problem) => problem);
    expect(error).toBeInstanceOf(Problem);
  }
});
