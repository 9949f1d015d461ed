import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { Problem } from "../../core/problem.ts";
import { seeded } from "../../core/testkit.ts";
import {
  contentType,
  type Field,
  form,
  formFields,
  type Made,
  sdist,
  uploadForm,
  wheel,
} from "./testdata/distributions.ts";
import { hostedRepository } from "./testdata/hosted-repository.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** The refusal that an upload ends in. */
async function refusal(
  body: Uint8Array,
  prepare?: (made: ReturnType<typeof hostedRepository>) => void,
) {
  const made = hostedRepository();
  prepare?.(made);
  const error = await made.post(body).then(
    () => null,
    (error) => error,
  );
  if (!(error instanceof Problem)) throw error ?? new Error("it was published");
  expect(made.hosting.open.size).toBe(0);
  return { kind: error.kind, message: error.message, calls: made.hosting.calls };
}

test("a wheel and a source distribution are published, and shown with what stands in them", async () => {
  const { post, hosting, composed } = hostedRepository();
  const own = wheel({
    more: "Requires-Python: >=3.9\nSummary: A shell\nRequires-Dist: six>=1\nClassifier: Typing :: Typed\nProject-URL: Home, https://sea.example.test\n",
  });
  const source = sdist({ more: "Requires-Python: >=3.8\n" });
  for (const made of [own, source]) {
    const answer = await post(uploadForm(made));
    expect(answer.status).toBe(200);
    expect(String(answer.body)).toBe(`${made.file} is published\n`);
  }
  expect(hosting.open.size).toBe(0);
  const metadata = hosting.bytes.get(`${own.file}.metadata`)!;
  expect(metadata.toString()).toContain("Requires-Dist: six>=1");
  expect(composed("project", "sea-shell")).toEqual({
    meta: { "api-version": "1.4" },
    name: "sea-shell",
    versions: ["1.0"],
    files: [
      {
        filename: own.file,
        url: `../../files/sea-shell/${own.file}`,
        hashes: { sha256: sha256(own.bytes) },
        "requires-python": ">=3.9",
        size: own.bytes.length,
        "upload-time": "2026-11-26T12:00:00.000000Z",
        yanked: false,
        "core-metadata": { sha256: sha256(metadata) },
        "dist-info-metadata": { sha256: sha256(metadata) },
      },
      {
        filename: source.file,
        url: `../../files/sea-shell/${source.file}`,
        hashes: { sha256: sha256(source.bytes) },
        "requires-python": ">=3.8",
        size: source.bytes.length,
        "upload-time": "2026-11-26T12:00:01.000000Z",
        yanked: false,
      },
    ],
  });
  const release = composed("release", "sea-shell");
  expect(release["info"]).toMatchObject({
    name: "sea-shell",
    version: "1.0",
    summary: "A shell",
    requires_python: ">=3.9",
    requires_dist: ["six>=1"],
    classifiers: ["Typing :: Typed"],
    project_urls: { Home: "https://sea.example.test" },
  });
  expect(release["urls"].map((one: { packagetype: string }) => one.packagetype)).toEqual([
    "bdist_wheel",
    "sdist",
  ]);
  expect(Object.keys(release["releases"])).toEqual(["1.0"]);
});

test("whoever publishes is asked for before the file is read, wherever it stands in the form", async () => {
  const made = wheel();
  const fields = Object.entries(formFields(made));
  const content: Field = ["content", made.bytes, made.file];
  for (const all of [
    [...fields, content],
    [content, ...fields],
    [...fields.slice(0, 2), content, ...fields.slice(2)],
  ]) {
    const { post, hosting } = hostedRepository();
    expect((await post(form(all as Field[]))).status).toBe(200);
    expect(hosting.calls.slice(0, 2)).toEqual(["admit sea-shell", "receive sea-shell"]);
    const refused = await refusal(form(all as Field[]), ({ hosting }) =>
      hosting.forbidden.add("sea-shell"),
    );
    expect(refused).toMatchObject({ kind: "forbidden", calls: ["admit sea-shell"] });
  }
});

test("the same file again is no error, another one under its name is", async () => {
  const { post, hosting } = hostedRepository();
  const made = wheel();
  await post(uploadForm(made));
  const again = await post(uploadForm(made));
  expect([again.status, again.body]).toEqual([
    200,
    `${made.file} is here already, with the same bytes\n`,
  ]);
  const other = wheel({ more: "Summary: another one\n" });
  const refused = await post(uploadForm(other)).catch((error) => error);
  expect(refused).toBeInstanceOf(Problem);
  expect(refused.status).toBe(409);
  expect(refused.message).toStartWith(`File already exists: ${made.file} `);
  expect(hosting.bytes.get(made.file)!.equals(made.bytes)).toBe(true);
});

test("all paths that files are posted to are one", async () => {
  const { post } = hostedRepository();
  for (const path of ["/", "/legacy/", "/legacy", "/root/pypi/", "/root/pypi"])
    expect((await post(uploadForm(wheel()), path)).status).toBe(200);
});

test("what the form need not say stands in the file", async () => {
  const { post, hosting } = hostedRepository();
  const made = wheel({ version: "2.0+local.1" });
  expect((await post(form([["content", made.bytes, made.file]]))).status).toBe(200);
  expect(hosting.packages.get("sea-shell")!.releases[0]!.version).toBe("2.0+local.1");
});

test("a signature and all digests are kept", async () => {
  const { post, hosting, composed } = hostedRepository();
  const made = sdist();
  const md5 = createHash("md5").update(made.bytes).digest("hex");
  const blake = createHash("blake2b256").update(made.bytes).digest("hex");
  const fields = formFields(made, { md5_digest: md5, blake2_256_digest: blake });
  const body = form([
    ...Object.entries(fields),
    ["gpg_signature", "-----BEGIN PGP SIGNATURE-----\n", `${made.file}.asc`],
    ["content", made.bytes, made.file],
  ]);
  expect((await post(body)).status).toBe(200);
  expect(hosting.bytes.has(`${made.file}.asc`)).toBe(true);
  expect(composed("project", "sea-shell")["files"][0]["gpg-sig"]).toBe(true);
  expect(composed("release", "sea-shell")["urls"][0].digests).toEqual({
    sha256: sha256(made.bytes),
    md5,
    blake2b_256: blake,
  });
});

const own = wheel();
const named = (file: string): Made => ({ ...own, file });
const fieldsOf = (more: Record<string, string>) => uploadForm(own, more);
/** One reads the first and another, which passes over blocks of zeros, both. */
const twoInOne = (first: Made, second: Made): Made => ({
  ...first,
  bytes: gzipSync(Buffer.concat([gunzipSync(first.bytes), gunzipSync(second.bytes)])),
});
const refused: [what: string, body: Uint8Array, words: string][] = [
  [
    "another digest",
    fieldsOf({ sha256_digest: "0".repeat(64) }),
    "another sha256_digest than the form says",
  ],
  ["another MD5", fieldsOf({ md5_digest: "0".repeat(32) }), "another md5_digest"],
  ["another BLAKE2", fieldsOf({ blake2_256_digest: "0".repeat(64) }), "another blake2_256_digest"],
  ["another name in the form", fieldsOf({ name: "six" }), "not a file of six"],
  ["a name that is none", fieldsOf({ name: "../six" }), "PEP 508"],
  ["another version in the form", fieldsOf({ version: "1.1" }), "The form's version is 1.1"],
  ["another kind in the form", fieldsOf({ filetype: "sdist" }), "The form's filetype is sdist"],
  ["another protocol", fieldsOf({ protocol_version: "2" }), "protocol_version"],
  ["no file", form([[":action", "file_upload"]]), "holds no file"],
  ["a file without a name", form([["content", own.bytes]]), "has no name"],
  [
    "two files",
    form([
      ["content", own.bytes, own.file],
      ["content", own.bytes, own.file],
    ]),
    "two files",
  ],
  [
    "a field twice",
    form([
      ["name", "a"],
      ["name", "a"],
    ]),
    "name twice",
  ],
  [
    "an egg",
    uploadForm(named("sea_shell-1.0-py3.12.egg"), { filetype: "bdist_egg" }),
    "no wheel or source",
  ],
  [
    "a path",
    uploadForm(named("../sea_shell-1.0-py3-none-any.whl"), { name: "sea-shell" }),
    "no wheel or source",
  ],
  [
    "a wheel without a version",
    uploadForm(named("sea_shell-x-py3-none-any.whl"), { version: "x" }),
    "no wheel or source",
  ],
  [
    "a wheel of another name",
    uploadForm(named("conch-1.0-py3-none-any.whl")),
    "another distribution's",
  ],
  [
    "a wheel of another version",
    uploadForm(named("sea_shell-1.1-py3-none-any.whl")),
    "another distribution's",
  ],
  [
    "a wheel that says another name inside",
    uploadForm(wheel({ metadata: "Metadata-Version: 2.1\nName: conch\nVersion: 1.0\n" })),
    "it is conch 1.0",
  ],
  [
    "a wheel that says another version inside",
    uploadForm(wheel({ metadata: "Metadata-Version: 2.1\nName: sea-shell\nVersion: 1.0.1\n" })),
    "it is sea-shell 1.0.1",
  ],
  [
    "a wheel of another tag",
    uploadForm(wheel({ tags: ["cp312-cp312-linux_x86_64"] })),
    "has the tag py3-none-any",
  ],
  ["a wheel without METADATA", uploadForm(wheel({ without: "METADATA" })), "it has no METADATA"],
  ["a wheel without WHEEL", uploadForm(wheel({ without: "WHEEL" })), "it has no WHEEL"],
  ["a wheel without RECORD", uploadForm(wheel({ without: "RECORD" })), "it has no RECORD"],
  [
    "a wheel with two .dist-info",
    uploadForm(wheel({ parts: [{ name: "x-1.dist-info/METADATA", text: "" }] })),
    "one .dist-info",
  ],
  [
    "a wheel with a file twice",
    uploadForm(wheel({ parts: [{ name: "a" }, { name: "a" }] })),
    "a twice",
  ],
  ["a wheel that leads out", uploadForm(wheel({ parts: [{ name: "a/../../b" }] })), "leads out"],
  [
    "a wheel that is none",
    uploadForm({ ...own, bytes: Buffer.from("<html>") }),
    "Not a usable zip",
  ],
  [
    "a wheel that is cut",
    uploadForm({ ...own, bytes: own.bytes.subarray(0, -1) }),
    "Not a usable zip",
  ],
  [
    "metadata of no known version",
    uploadForm(wheel({ metadata: "Metadata-Version: 2.0\nName: sea-shell\nVersion: 1.0\n" })),
    "Metadata-Version is 2.0",
  ],
  [
    "metadata with two names",
    uploadForm(
      wheel({ metadata: "Metadata-Version: 2.1\nName: sea-shell\nName: conch\nVersion: 1.0\n" }),
    ),
    "name twice",
  ],
  ["a source distribution without PKG-INFO", uploadForm(sdist({ without: true })), "no PKG-INFO"],
  [
    "a source distribution with two folders",
    uploadForm(sdist({ parts: [{ name: "other/a" }] })),
    "one folder",
  ],
  [
    "a source distribution with PKG-INFO twice",
    uploadForm(sdist({ parts: [{ name: "sea_shell-1.0/PKG-INFO", text: "x" }] })),
    "PKG-INFO twice",
  ],
  [
    "a source distribution with PKG-INFO in another spelling",
    uploadForm(sdist({ parts: [{ name: "sea_shell-1.0/.//PKG-INFO", text: "x" }] })),
    "no plain path",
  ],
  [
    "a source distribution with another behind its end",
    uploadForm(twoInOne(sdist(), sdist({ version: "2.0" }))),
    "Not a usable tar archive",
  ],
  [
    "a source distribution that leads out",
    uploadForm(sdist({ parts: [{ name: "sea_shell-1.0/../../a" }] })),
    "leads out",
  ],
  [
    "a source distribution that is none",
    uploadForm({ file: "sea_shell-1.0.tar.gz", bytes: Buffer.from("x") }),
    "cannot be published",
  ],
  [
    "a source distribution of another version",
    uploadForm({ ...sdist(), file: "sea_shell-1.1.tar.gz" }),
    "it is sea-shell 1.0",
  ],
];
for (const [what, body, words] of refused)
  test(`refuses ${what}`, async () => {
    const { kind, message } = await refusal(body);
    expect(kind).toBe("badRequest");
    expect(message).toContain(words);
  });

test("versions and names are the same in all their spellings", async () => {
  for (const [made, fields] of [
    [{ ...wheel({ name: "Sea.Shell" }) }, { name: "SEA_shell", version: "1.0.0" }],
    [
      { ...sdist(), file: "Sea-Shell-1.0.0.tar.gz" },
      { name: "sea.shell", version: "1.0" },
    ],
    [wheel({ version: "1.0rc1" }), { version: "1.0-RC.1" }],
  ] as const) {
    const { post, hosting } = hostedRepository();
    expect((await post(uploadForm(made, { ...fields }))).status).toBe(200);
    expect([...hosting.packages.keys()]).toEqual(["sea-shell"]);
  }
});

const others: [what: string, body: Uint8Array, type: string, words: string][] = [
  [
    "registering",
    form([
      [":action", "submit"],
      ["name", "six"],
    ]),
    contentType,
    "needs no registration",
  ],
  ["documentation", form([[":action", "doc_upload"]]), contentType, "is not kept here"],
  ["an unknown action", form([[":action", "dance"]]), contentType, "no such action"],
  ["devpi's push", Buffer.from('{"name":"six"}'), "application/json", "holdfast promote"],
];
for (const [what, body, type, words] of others)
  test(`${what} is told that it is gone`, async () => {
    const { send, hosting } = hostedRepository();
    const answer = await send("POST", "/root/pypi/", body, { "content-type": type });
    expect(answer.status).toBe(410);
    expect(String(answer.body)).toContain(words);
    expect(hosting.packages.size).toBe(0);
  });

test("the action may stand in the query", async () => {
  const { send } = hostedRepository();
  const body = form([["name", "six"]]);
  const answer = await send("POST", "/legacy/?:action=submit", body, {
    "content-type": contentType,
  });
  expect(answer.status).toBe(410);
});

test("a cut or altered form publishes nothing and leaves nothing", async () => {
  const whole = uploadForm(wheel());
  const next = seeded(694);
  for (let round = 0; round < 300; round += 1) {
    const { post, hosting } = hostedRepository();
    const body = Buffer.from(whole);
    const isCut = next() < 0.3;
    if (!isCut) body[Math.floor(next() * body.length)]! ^= 1 << Math.floor(next() * 8);
    const sent = isCut ? body.subarray(0, Math.floor(next() * (body.length - 2))) : body;
    const outcome = await post(sent).catch((error) => error);
    if (!(outcome instanceof Problem)) {
      expect(outcome.status === 200 || outcome.status === 410).toBe(true);
      expect(isCut && outcome.status === 200).toBe(false);
    }
    if (outcome instanceof Problem)
      expect([hosting.open.size, hosting.packages.size]).toEqual([0, 0]);
  }
});
