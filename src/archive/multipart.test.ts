import { expect, test } from "bun:test";
import { Problem } from "../core/problem.ts";
import { seeded } from "../core/testkit.ts";
import { boundaryOf, formLimits, readForm } from "./multipart.ts";

interface Read {
  name: string;
  fileName: string | null;
  contentType: string | null;
  text: string;
}

/** In pieces of `piece` bytes. */
async function read(
  body: string | Uint8Array,
  boundary = "b",
  piece = 7,
  limits = formLimits,
): Promise<Read[]> {
  const bytes = Buffer.from(body);
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  }
  const found: Read[] = [];
  for await (const { chunks, ...part } of readForm(pieces(), boundary, limits)) {
    let text = "";
    for await (const chunk of chunks()) text += Buffer.from(chunk).toString("latin1");
    found.push({ ...part, text });
  }
  return found;
}

const part = (headers: string, text: string, boundary = "b") =>
  `--${boundary}\r\n${headers}\r\n\r\n${text}\r\n`;
const field = (name: string, text: string, boundary = "b") =>
  part(`Content-Disposition: form-data; name="${name}"`, text, boundary);

test("fields and files in the form's order, in pieces of any size", async () => {
  const body = [
    field(":action", "file_upload"),
    part(
      'content-disposition: form-data; name="content"; filename="a.whl"\r\nContent-Type: application/octet-stream',
      "PK\r\n--\r\n--a\r\n\r\n",
    ),
    field("empty", ""),
    "--b--\r\n",
  ].join("");
  for (const piece of [1, 2, 3, 5, 64, 100_000])
    expect(await read(body, "b", piece)).toEqual([
      { name: ":action", fileName: null, contentType: null, text: "file_upload" },
      {
        name: "content",
        fileName: "a.whl",
        contentType: "application/octet-stream",
        text: "PK\r\n--\r\n--a\r\n\r\n",
      },
      { name: "empty", fileName: null, contentType: null, text: "" },
    ]);
});

const readable: [what: string, body: string, want: [string, string | null, string][]][] = [
  ["nothing but an end", "--b--", []],
  ["a preamble and an epilogue", `hello\r\n${field("a", "1")}--b--\r\nbye`, [["a", null, "1"]]],
  [
    "white space behind a boundary",
    `--b \t\r\n${field("a", "1").slice(5)}--b--`,
    [["a", null, "1"]],
  ],
  [
    "a header that goes on in the next line",
    part('Content-Disposition: form-data;\r\n name="a"', "1").concat("--b--"),
    [["a", null, "1"]],
  ],
  [
    "a name without quotes",
    part("Content-Disposition: form-data; name=a", "1").concat("--b--"),
    [["a", null, "1"]],
  ],
  [
    "quotes in a name",
    part('Content-Disposition: form-data; name="a\\"b"; filename="c\\\\d;e"', "1").concat("--b--"),
    [['a"b', "c\\d;e", "1"]],
  ],
  [
    "a name that is not ASCII",
    part("Content-Disposition: form-data; name=\"a\"; filename*=utf-8''%C3%A9", "1").concat(
      "--b--",
    ),
    [["a", "é", "1"]],
  ],
  [
    "what looks like the beginning of a boundary",
    `${field("a", "\r\n-\r\n--\r\n--c")}--b--`,
    [["a", null, "\r\n-\r\n--\r\n--c"]],
  ],
  [
    "the same name twice",
    `${field("a", "1")}${field("a", "2")}--b--`,
    [
      ["a", null, "1"],
      ["a", null, "2"],
    ],
  ],
];
for (const [what, body, want] of readable)
  test(`reads ${what}`, async () => {
    const found = await read(body);
    expect(found.map(({ name, fileName, text }) => [name, fileName, text])).toEqual(want as never);
  });

const broken: [what: string, body: string, words: string][] = [
  ["nothing", "", "ends early"],
  ["no boundary", "hello", "ends early"],
  ["another boundary", `${field("a", "1", "c")}--c--`, "ends early"],
  ["no end", field("a", "1"), "ends early"],
  ["a longer boundary", `--bb\r\n${field("a", "1").slice(5)}--b--`, "what follows a boundary"],
  [
    "bare line feeds",
    field("a", "1").replaceAll("\r\n", "\n").concat("--b--"),
    "what follows a boundary",
  ],
  ["no name", part("Content-Disposition: form-data", "1").concat("--b--"), "no name"],
  ["no disposition", part("Content-Type: text/plain", "1").concat("--b--"), "no name"],
  ["no headers at all", "--b\r\n\r\n1\r\n--b--", "no name"],
  [
    "another disposition",
    part("Content-Disposition: attachment; name=a", "1").concat("--b--"),
    "no name",
  ],
  [
    "two names",
    part("Content-Disposition: form-data; name=a; name=b", "1").concat("--b--"),
    "name twice",
  ],
  [
    "two dispositions",
    part(
      "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b",
      "1",
    ).concat("--b--"),
    "content-disposition twice",
  ],
  [
    "an open quote",
    part('Content-Disposition: form-data; name="a', "1").concat("--b--"),
    "parameter",
  ],
  [
    "a header that is none",
    part("Content-Disposition: form-data; name=a\r\nhello", "1").concat("--b--"),
    "header of a field is broken",
  ],
  [
    "base64",
    part(
      "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64",
      "MQ==",
    ).concat("--b--"),
    "encoded",
  ],
];
for (const [what, body, words] of broken)
  test(`refuses ${what}`, async () => {
    const refused = await read(body).catch((error) => error);
    expect(refused).toBeInstanceOf(Problem);
    expect(refused.kind).toBe("badRequest");
    expect(refused.message).toContain(words);
  });

test("a form that is cut anywhere is none", async () => {
  const body = `${field("a", "1")}${field("b", "two\r\n")}--b--`;
  for (let length = 0; length < body.length; length += 1)
    await expect(read(body.slice(0, length))).rejects.toBeInstanceOf(Problem);
});

test("what a form may cost is bounded", async () => {
  const many = field("a", "1").repeat(4).concat("--b--");
  expect(await read(many, "b", 7, { ...formLimits, parts: 4 })).toHaveLength(4);
  await expect(read(many, "b", 7, { ...formLimits, parts: 3 })).rejects.toThrow(
    "more than 3 fields",
  );
  const long = part(`Content-Disposition: form-data; name="${"a".repeat(2000)}"`, "1").concat(
    "--b--",
  );
  expect(await read(long)).toHaveLength(1);
  for (const piece of [7, 100_000])
    await expect(read(long, "b", piece, { ...formLimits, headerSize: 1000 })).rejects.toThrow(
      "too large",
    );
  const limits = { ...formLimits, around: 100 };
  for (const body of [`${"x".repeat(200)}\r\n--b--`, `--b--${"x".repeat(200)}`])
    await expect(read(body, "b", 7, limits)).rejects.toThrow("in no field");
});

test("what is not read is skipped, and the source is closed by who leaves", async () => {
  let isClosed = false;
  async function* source() {
    try {
      yield Buffer.from(`${field("a", "x".repeat(5000))}${field("b", "2")}`);
      yield Buffer.from(`${field("c", "3")}--b--`);
    } finally {
      isClosed = true;
    }
  }
  const names: string[] = [];
  for await (const { name } of readForm(source(), "b")) {
    names.push(name);
    if (name === "b") break;
  }
  expect(names).toEqual(["a", "b"]);
  expect(isClosed).toBe(true);
});

const types: [contentType: string | null, want: string | null][] = [
  ["multipart/form-data; boundary=abc", "abc"],
  ['Multipart/Form-Data; charset=utf-8; boundary="a b=c"', "a b=c"],
  [
    "multipart/form-data; BOUNDARY=--------------------------1234;",
    "--------------------------1234",
  ],
  ["multipart/form-data;boundary='x'", "'x'"],
  ["multipart/form-data", null],
  ["multipart/form-data; boundary=", null],
  ['multipart/form-data; boundary="a "', null],
  [`multipart/form-data; boundary=${"a".repeat(71)}`, null],
  ["multipart/form-data; boundary=a; boundary=b", null],
  ['multipart/form-data; boundary="a\r\nb"', null],
  ["multipart/mixed; boundary=a", null],
  ["application/x-www-form-urlencoded", null],
  [null, null],
];
for (const [contentType, want] of types)
  test(`the boundary of ${contentType}`, () => {
    const found = () => boundaryOf(contentType);
    if (want === null) expect(found).toThrow(Problem);
    else expect(found()).toBe(want);
  });

test("odd boundaries are found", async () => {
  for (const boundary of ["-", "--", "'()+_,-./:=?", "a".repeat(70), "b c"])
    expect(
      await read(`${field("a", `--${boundary}\r\n\r\n-`, boundary)}--${boundary}--`, boundary, 3),
    ).toHaveLength(1);
});

test("whatever comes, nothing but a Problem is thrown", async () => {
  const next = seeded(7578);
  const tokens = [
    "--b",
    "--b--",
    "\r\n",
    "\r",
    "\n",
    "\r\n\r\n",
    ": ",
    ";",
    "=",
    '"',
    "\\",
    "\0",
    "é",
    " ",
  ];
  tokens.push(
    "Content-Disposition: form-data; name=",
    "a",
    "form-data",
    "--",
    "filename*=utf-8''%",
  );
  let refused = 0;
  for (let round = 0; round < 3_000; round += 1) {
    let body = next() < 0.7 ? field("a", "1") : "";
    for (let length = next() * 12; length > 0; length -= 1)
      body += tokens[Math.floor(next() * tokens.length)];
    if (next() < 0.5) body += "\r\n--b--";
    try {
      await read(body, "b", 1 + Math.floor(next() * 9));
    } catch (error) {
      expect(error).toBeInstanceOf(Problem);
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(100);
  expect(refused).toBeLessThan(3_000);
});
