// Every kind of artifact of every format: what would be pinned where no digest vouches for it is at least whole, and such a file.
import { describe, expect, test } from "bun:test";
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { xz } from "../../test/support/fake-upstream/apt-xz.ts";
import { tarGz, zip } from "../../test/support/fake-upstream/archives.ts";
import type { NamedArtifact } from "../core/artifact.ts";
import { Problem } from "../core/problem.ts";
import { memoryRandom } from "../store/sink.ts";
import { formats } from "./index.ts";

const FILES = {
  "p/a.txt": "one\n".repeat(3000),
  "p/b.txt": Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251)),
};
const TAR_GZ = tarGz(FILES);
const TAR = Buffer.from(gunzipSync(TAR_GZ));
const TAR_XZ = xz(TAR);
const ZIP = zip(FILES);
const MOD = Buffer.from(
  "module example.com/m // old\n\ngo 1.21\n\nrequire (\n\texample.com/a v1.0.0\n)\n",
);
const INFO = Buffer.from('{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z"}');
const METADATA = Buffer.from("Metadata-Version: 2.1\nName: a\nVersion: 1.0\n\nA text.\n");
const SIGNATURE = Buffer.from("-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----");

interface Sample {
  file: string;
  version?: string;
  bytes: Uint8Array;
  /** A part of it reads like a whole one: texts have no end of their own. */
  hasNoEnd?: true;
  /** Of these nobody can tell that they are none. */
  like?: readonly string[] | "anything";
}

/** Whole files of each kind. A kind that is missing here fails. */
const samples: Record<string, Sample[]> = {
  "npm tarball": [{ file: "a-1.0.0.tgz", bytes: TAR_GZ }],
  "pypi distribution": [
    { file: "a-1.0-py3-none-any.whl", bytes: ZIP },
    { file: "a-1.0.zip", bytes: ZIP },
    { file: "a-1.0-py3.egg", bytes: ZIP },
    { file: "a-1.0.tar.gz", bytes: TAR_GZ },
    { file: "a-1.0.tgz", bytes: TAR_GZ },
    { file: "a-1.0.tar", bytes: TAR },
    { file: "a-1.0.win32.exe", bytes: Buffer.from("MZ and more"), hasNoEnd: true },
  ],
  "pypi metadata": [{ file: "a-1.0-py3-none-any.whl.metadata", bytes: METADATA, hasNoEnd: true }],
  "pypi signature": [{ file: "a-1.0.tar.gz.asc", bytes: SIGNATURE }],
  "pypi provenance": [
    {
      file: "a-1.0.tar.gz.provenance",
      bytes: Buffer.from(
        '{"version":1,"attestation_bundles":[{"publisher":{"kind":"x"},"attestations":[]}]}',
      ),
    },
  ],
  "go zip": [{ file: "v1.0.0.zip", bytes: ZIP }],
  "go mod": [{ file: "v1.0.0.mod", bytes: MOD, hasNoEnd: true }],
  "go info": [{ file: "v1.0.0.info", version: "v1.0.0", bytes: INFO }],
  "composer zip": [{ file: "1.0.0.0/abc.zip", bytes: ZIP }],
  "composer tar": [
    { file: "1.0.0.0/abc.tar", bytes: TAR },
    { file: "1.0.0.0/abc.tar", bytes: TAR_GZ },
  ],
  "composer xz": [{ file: "1.0.0.0/abc.xz", bytes: TAR_XZ }],
  "composer gzip": [
    {
      file: "1.0.0.0/abc.gzip",
      bytes: gzipSync("one file"),
      like: ["a login page in gzip", "only zeros in gzip"],
    },
  ],
  "composer file": [
    { file: "1.0.0.0/abc.file", bytes: Buffer.from("<?php"), hasNoEnd: true, like: "anything" },
  ],
  "composer rar": [
    {
      file: "1.0.0.0/abc.rar",
      bytes: Buffer.from("Rar!\x1a\x07\x01\0and more", "latin1"),
      hasNoEnd: true,
    },
  ],
  "composer phar": [
    { file: "1.0.0.0/abc.phar", bytes: Buffer.from("<?php __HALT_COMPILER(); ?>"), hasNoEnd: true },
  ],
};

const text = (words: string) => Buffer.from(words);
const LIES: Record<string, Uint8Array> = {
  "nothing at all": text(""),
  "an error in JSON": text('{"error":"not_found","reason":"no such file"}\n'),
  "a long error in JSON": text(JSON.stringify({ errors: Array(9000).fill({ status: 404 }) })),
  "a list in JSON": text("[]"),
  "a login page": text("<!DOCTYPE html><html><body>Please log in"),
  "a login page in gzip": gzipSync("<!DOCTYPE html><html><body>Please log in"),
  "a page of text": text("Please log in at the gateway to go on.\n"),
  "a line of text": text("module not found: try again later\n"),
  "an outage in text": text("upstream connect error or disconnect/reset before headers\n"),
  "only zeros": Buffer.alloc(10_240),
  "only zeros in gzip": gzipSync(Buffer.alloc(10_240)),
  chance: Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919 + 13) % 256)),
};

/** What the cache asks of bytes that no digest vouches for. */
async function check(
  format: (typeof formats)[number],
  kind: string,
  { bytes, file, version = "1.0" }: Sample,
) {
  const artifact: NamedArtifact = { kind, package: "a", version, file };
  await format.artifacts[kind]!.check(memoryRandom(bytes), artifact);
  await format.contentDigest?.(memoryRandom(bytes), { file });
}

async function refusal(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => "taken",
    (reason) => reason,
  );
  return error instanceof Problem ? error.kind : error;
}

for (const format of formats)
  for (const kind of Object.keys(format.artifacts).filter((name) => format.artifacts[name]))
    describe(`${format.name} ${kind}`, () => {
      const whole = samples[`${format.name} ${kind}`] ?? [];
      test("has samples here", () => expect(whole.length).toBeGreaterThan(0));

      for (const sample of whole) {
        test(`${sample.file} is taken when it is whole`, () => check(format, kind, sample));

        const { like = [] } = sample;
        for (const [what, bytes] of Object.entries(LIES).filter(
          ([what]) => what === "nothing at all" || (like !== "anything" && !like.includes(what)),
        ))
          test(`${what} is no ${sample.file}`, async () =>
            expect(await refusal(check(format, kind, { ...sample, bytes }))).toBe("malformed"));

        const codings = {
          br: brotliCompressSync(sample.bytes),
          deflate: deflateSync(sample.bytes),
          zstd: zstdCompressSync(sample.bytes),
        };
        for (const [coding, bytes] of Object.entries(like === "anything" ? {} : codings))
          test(`${coding} data is no ${sample.file}`, async () =>
            expect(await refusal(check(format, kind, { ...sample, bytes }))).toBe("malformed"));

        if (!sample.hasNoEnd)
          test(`${sample.file} is refused when it is cut anywhere`, async () => {
            for (const part of [0.02, 0.3, 0.5, 0.9, 0.99]) {
              const bytes = sample.bytes.subarray(0, Math.floor(sample.bytes.length * part));
              expect(await refusal(check(format, kind, { ...sample, bytes }))).toBe("malformed");
            }
            const bytes = sample.bytes.subarray(0, -8);
            expect(await refusal(check(format, kind, { ...sample, bytes }))).toBe("malformed");
          });
      }
    });

test("another version's answer is none for this one", async () => {
  const go = formats.find(({ name }) => name === "go")!;
  const sample = { file: "v1.0.1.info", version: "v1.0.1", bytes: INFO };
  expect(await refusal(check(go, "info", sample))).toBe("malformed");
});

test("an archive with an altered byte is refused", async () => {
  for (const [name, kind, bytes] of [
    ["npm", "tarball", TAR_GZ],
    ["go", "zip", ZIP],
  ] as const) {
    const altered = Buffer.from(bytes);
    altered[Math.floor(bytes.length / 2)]! ^= 1;
    const format = formats.find((one) => one.name === name)!;
    expect(await refusal(check(format, kind, { file: "a", bytes: altered }))).toBe("malformed");
  }
});
