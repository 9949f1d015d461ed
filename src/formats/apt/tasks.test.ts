// The tasks that are not tested beside what they do: signatures by way of options, plain copies, wanted files.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { run } from "./testkit.ts";
import { type FileFilter, fileFilter } from "./wanted.ts";

const bytes = (name: string) => readFileSync(`${import.meta.dirname}/testdata/${name}`);
const base64 = (name: string) => bytes(`signed/${name}`).toString("base64");
const at = Date.UTC(2026, 5, 1);

test("verify, clear-signed and detached", async () => {
  const keys = [base64("key-ed25519.asc"), base64("key-rsa.asc")];
  const what = "dists/stable/Release";
  const clear = { kind: "clear", document: base64("InRelease-two"), keys, at, what };
  expect(await run("verify", clear, [])).toMatchObject({
    result: { signers: [{ keyId: "77844122CFFAA03E" }, { keyId: "40721052E6FD1AE8" }] },
  });
  const beside = { document: base64("Release"), signature: base64("Release.gpg"), keys, at, what };
  expect(await run("verify", { kind: "detached", ...beside }, [])).toMatchObject({
    result: { signers: [{ keyId: "77844122CFFAA03E" }] },
  });
  const stranger = { ...clear, keys: [base64("key-short.asc")] };
  const error = await run("verify", stranger, []).catch((error) => error);
  expect(error).toMatchObject({ kind: "tampered", event: "unsigned" });
  expect(error.message).toStartWith("dists/stable/Release is signed by");
  const without = { kind: "detached", ...beside, signature: undefined };
  expect(await run("verify", without, []).catch((error) => error)).toMatchObject({
    kind: "malformed",
  });
});

test("sums reads what sha256sum writes", async () => {
  const [one, two] = ["ab".repeat(32), "CD".repeat(32)];
  const text = [
    `${one}  ./netboot/mini.iso`,
    `${two} *MANIFEST\r`,
    `${one}  ../outside`,
    `${one.slice(1)}  short`,
    "<html>",
    "",
  ].join("\n");
  const { result } = await run("sums", {}, [text]);
  expect(result).toEqual([
    ["netboot/mini.iso", one],
    ["MANIFEST", two.toLowerCase()],
  ]);
});

test("plain writes an index uncompressed and says what that is", async () => {
  const text = bytes("index/Packages");
  const { result, output } = await run("plain", { index: "binary-amd64/Packages.gz" }, [
    gzipSync(text),
  ]);
  expect(output.equals(text)).toBe(true);
  expect(result).toEqual({
    sha256: createHash("sha256").update(text).digest("hex"),
    size: text.length,
  });
});

test("wanted writes the lines of the wanted files only", async () => {
  const lines = bytes("index/Packages.lookup").toString().split("\n").slice(0, -1);
  const { result, output } = await run(
    "wanted",
    { index: "binary-amd64/Packages", folder: "", filter: { include: ["hello"] } },
    [bytes("index/Packages")],
  );
  expect(output.toString().split("\n").slice(0, -1)).toEqual(
    lines.filter((line) => line.includes("\thello\t")),
  );
  expect(result).toEqual({ files: 2, bytes: 550 + 548 });
});

const filters: [filter: FileFilter, name: string, section: string, want: boolean][] = [
  [{}, "a", "", true],
  [{ include: [] }, "a", "", false],
  [{ include: ["a"] }, "a", "", true],
  [{ include: ["a"] }, "ab", "", false],
  [{ include: ["a*"] }, "ab", "", true],
  [{ include: ["*a"] }, "ab", "", false],
  [{ include: ["*"] }, "", "", true],
  [{ include: ["a*a"] }, "a", "", false],
  [{ include: ["a*a"] }, "aa", "", true],
  [{ include: ["lib*-dev"] }, "libssl-dev", "", true],
  [{ include: ["lib*-dev"] }, "libssl-dev-x", "", false],
  [{ include: ["*b*b*"] }, "abcb", "", true],
  [{ include: ["*b*b*"] }, "abc", "", false],
  [{ include: ["a.c"] }, "abc", "", false],
  [{ include: ["ä*"] }, "Ã¤x", "", true],
  [{ exclude: ["*-dbg"] }, "a-dbg", "", false],
  [{ exclude: ["*-dbg"] }, "a", "", true],
  [{ include: ["a*"], exclude: ["a-dbg"] }, "a-dbg", "", false],
  [{ sections: ["libs", "non-free/*"] }, "a", "libs", true],
  [{ sections: ["libs", "non-free/*"] }, "a", "non-free/net", true],
  [{ sections: ["libs", "non-free/*"] }, "a", "net", false],
  [{ excludeSections: ["debug"] }, "a", "debug", false],
  [{ excludeSections: ["debug"] }, "a", "net", true],
];

for (const [filter, name, section, want] of filters)
  test(`${JSON.stringify(filter)} ${want ? "wants" : "does not want"} ${name} ${section}`, () => {
    const file = { path: "a.deb", digest: "", size: 1, version: "1", architecture: "all" };
    expect(fileFilter(filter)({ ...file, package: name, section })).toBe(want);
  });

test("many stars cost no time", () => {
  const isWanted = fileFilter({ include: [`${"a*".repeat(60)}b`] });
  const file = { path: "", digest: "", size: 1, version: "", architecture: "", section: "" };
  expect(isWanted({ ...file, package: "a".repeat(5000) })).toBe(false);
});

test("an index is unpacked to the size that its release gives, and no further", async () => {
  const packed = gzipSync(Buffer.alloc(1 << 20));
  const options = { index: "main/binary-amd64/Packages.gz", size: 1 << 20 };
  expect((await run("plain", options, [packed])).result).toMatchObject({ size: 1 << 20 });
  const failure = await run("plain", { ...options, size: 1000 }, [packed]).catch((error) => error);
  expect(failure).toMatchObject({ kind: "malformed" });
});
