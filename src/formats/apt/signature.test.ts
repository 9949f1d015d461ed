// Signatures made by GnuPG (testdata/signed), good and bad; the forms of clear-signed files that apt refuses. RFC 9580 §7
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Problem } from "../../core/problem.ts";
import { dearmour } from "./clear-signed.ts";
import { type Keys, signedText, verifyClearSigned, verifyDetached } from "./signature.ts";

const fixture = (name: string) => readFileSync(`${import.meta.dirname}/testdata/signed/${name}`);
const key = (name: string) => fixture(`key-${name}.asc`);
const release = fixture("Release");
const two = fixture("InRelease-two");
/** All signatures are older, all keys but one still count. */
const at = Date.UTC(2026, 5, 1);

const RSA = "77844122CFFAA03E";
const ED25519 = "40721052E6FD1AE8";
const SUBKEY = "F6994452F32DD9B6";
const EXPIRED = "BBDEA3ABE8C34933";
const SHORT = "18A281C662CFBFAB";
const DSA = "266A947A70FFE933";

function binary(armoured: Uint8Array): Uint8Array {
  return dearmour(Buffer.from(armoured).toString("latin1"), "PUBLIC KEY BLOCK");
}

async function signers(file: Uint8Array, keys: Keys, now = at): Promise<string[]> {
  const { signers } = await verifyClearSigned(file, keys, { at: now });
  return signers.map(({ keyId }) => keyId);
}

async function refusal(promise: Promise<unknown>, kind: "tampered" | "malformed"): Promise<string> {
  const error = await promise.catch((error) => error);
  expect(error).toBeInstanceOf(Problem);
  const problem = error as Problem;
  expect(problem.kind).toBe(kind);
  if (kind === "tampered") expect(problem.event).toBe("unsigned");
  return problem.message;
}

const all = [key("rsa"), key("ed25519"), key("subkey"), key("short")];
const keyrings: [what: string, keys: Keys, want: string[]][] = [
  ["one key that signed", key("rsa"), [RSA]],
  ["the other one", key("ed25519"), [ED25519]],
  ["both, in two files", [key("ed25519"), key("rsa")], [RSA, ED25519]],
  ["both, in one file", Buffer.concat([key("rsa"), key("ed25519")]), [RSA, ED25519]],
  ["a binary key", binary(key("rsa")), [RSA]],
  ["a binary keyring", Buffer.concat(all.map(binary)), [RSA, ED25519]],
  ["text around the keys", Buffer.concat([Buffer.from("Our key:\n\n"), key("rsa")]), [RSA]],
];

for (const [what, keys, want] of keyrings)
  test(`a keyring with ${what}`, async () => expect(await signers(two, keys)).toEqual(want));

test("a good signature says whose key it was, and when", async () => {
  const { text, signers } = await verifyClearSigned(fixture("InRelease-subkey"), all, { at });
  expect(text).toBe(release.toString());
  expect(signers).toEqual([
    {
      key: expect.stringMatching(/^[0-9A-F]{40}$/),
      keyId: SUBKEY,
      at: Date.UTC(2026, 0, 1, 9, 10),
    },
  ]);
  expect(signers[0]!.key.endsWith(SUBKEY)).toBe(false);
});

test("the signed text is the Release file", () => {
  expect(signedText(two.toString())).toBe(release.toString());
});

test("text that is escaped, not ASCII, and has space at its line ends", async () => {
  const odd = fixture("InRelease-odd");
  const { text } = await verifyClearSigned(odd, key("rsa"), { at });
  expect(text).toBe(
    "Origin: Äpfel\nSuite: x\n-Dashed: 1\n- Dashed: 2\nFrom: here\n\nSecond: paragraph\n\n",
  );
  expect(signedText(odd.toString())).toBe(text);
});

test("line ends of another system change nothing", async () => {
  const crlf = Buffer.from(two.toString().replaceAll("\n", "\r\n"));
  expect(await signers(crlf, key("rsa"))).toEqual([RSA]);
});

test("a signature by nobody we know names who signed and whom we know", async () => {
  const message = await refusal(
    verifyClearSigned(two, [key("short"), key("expired")], { at, what: "dists/stable/InRelease" }),
    "tampered",
  );
  expect(message).toBe(
    `dists/stable/InRelease is signed by ${RSA} and ${ED25519}, and the keyring has only ${SHORT} and ${EXPIRED}`,
  );
});

test("SHA-1 does not count", async () => {
  expect(await refusal(signers(fixture("InRelease-sha1"), all), "tampered")).toContain("SHA1");
});

test("weak keys count where they are listed, as in Debian 12", async () => {
  expect(await signers(fixture("InRelease-short"), all)).toEqual([SHORT]);
  expect(await signers(fixture("InRelease-dsa"), key("dsa"))).toEqual([DSA]);
  const altered = Buffer.from(fixture("InRelease-dsa").toString().replace("stable", "static"));
  expect(await refusal(signers(altered, key("dsa")), "tampered")).toContain("fit");
});

test("a revoked key does not count", async () => {
  expect(await refusal(signers(two, key("revoked")), "tampered")).toContain("revoked");
  expect(await signers(two, [key("revoked"), key("rsa")])).toEqual([RSA]);
});

test("an expired key does not count, until it is given with a later end", async () => {
  const file = fixture("InRelease-expired");
  expect(await signers(file, key("expired"), Date.UTC(2024, 11, 1))).toEqual([EXPIRED]);
  expect(await refusal(signers(file, key("expired")), "tampered")).toContain("expired");
  expect(await signers(file, key("extended"))).toEqual([EXPIRED]);
  expect(await signers(file, [key("expired"), key("extended")])).toEqual([EXPIRED]);
  expect(await signers(file, [key("extended"), key("expired")])).toEqual([EXPIRED]);
});

test("a clock that is behind refuses nothing", async () => {
  expect(await signers(two, key("rsa"), Date.UTC(2026, 0, 1, 1))).toEqual([RSA]);
});

test("altered text is refused, whatever was altered", async () => {
  const text = two.toString("latin1");
  const start = text.indexOf("Acquire");
  const end = text.indexOf("-----BEGIN PGP SIGNATURE");
  let refused = 0;
  for (let place = start; place < end - 1; place += 97) {
    if (/\s/.test(text[place]!)) continue;
    const altered = Buffer.from(text, "latin1");
    altered[place]! ^= 1;
    expect(await refusal(signers(altered, all), "tampered")).toContain("does not fit the text");
    refused++;
  }
  expect(refused).toBeGreaterThan(15);
});

test("a wrong signature by a known key spoils a right one by another", async () => {
  const other = fixture("InRelease-subkey").toString();
  const signature = other.slice(other.indexOf("-----BEGIN PGP SIGNATURE"));
  expect(await signers(Buffer.from(two.toString() + signature), all)).toEqual([
    RSA,
    ED25519,
    SUBKEY,
  ]);
  const wrong = Buffer.from(dearmour(signature, "SIGNATURE"));
  wrong[wrong.length - 1]! ^= 1;
  const block = `-----BEGIN PGP SIGNATURE-----\n\n${wrong.toString("base64")}\n-----END PGP SIGNATURE-----\n`;
  const spoiled = Buffer.from(two.toString() + block);
  expect(await refusal(signers(spoiled, all), "tampered")).toContain(SUBKEY);
  // Nobody can say so of a key that is not known.
  expect(await signers(spoiled, key("rsa"))).toEqual([RSA]);
});

test("detached signatures, armoured, binary and of a text", async () => {
  const signature = fixture("Release.gpg");
  const options = { at };
  expect(await verifyDetached(release, signature, key("rsa"), options)).toMatchObject({
    signers: [{ keyId: RSA }],
  });
  const bytes = dearmour(signature.toString(), "SIGNATURE");
  expect(await verifyDetached(release, bytes, key("rsa"), options)).toMatchObject({
    signers: [{ keyId: RSA }],
  });
  const textmode = fixture("Release-textmode.gpg");
  expect(await verifyDetached(release, textmode, all, options)).toMatchObject({
    signers: [{ keyId: ED25519 }],
  });
  const altered = Buffer.from(release.toString().replace("stable", "static"));
  for (const one of [signature, bytes, textmode])
    expect(await refusal(verifyDetached(altered, one, all, options), "tampered")).toContain("fit");
  expect(
    await refusal(verifyDetached(release, signature, key("ed25519"), options), "tampered"),
  ).toBe(`The release file is signed by ${RSA}, and the keyring has only ${ED25519}`);
});

test("a signature over something else than a document is none", async () => {
  const { PacketList, readKey } = await import("openpgp");
  const { users } = await readKey({ armoredKey: key("rsa").toString() });
  const packets = new PacketList();
  packets.push(users[0]!.selfCertifications[0]!);
  const checking = verifyDetached(release, packets.write(), key("rsa"), { at });
  expect(await refusal(checking, "tampered")).toContain("is not over a document");
});

test("the text of an InRelease fits the signature beside its Release", async () => {
  const text = Buffer.from(signedText(two.toString()));
  await verifyDetached(text, fixture("Release.gpg"), key("rsa"), { at });
});

const head = "-----BEGIN PGP SIGNED MESSAGE-----";
const tail = "-----BEGIN PGP SIGNATURE-----";
const inRelease = two.toString();
const forms: [what: string, text: string, kind: "tampered" | "malformed"][] = [
  ["nothing", "", "malformed"],
  ["a login page", "<!DOCTYPE html><html>Log in</html>", "malformed"],
  ["a Release without a signature", release.toString(), "malformed"],
  ["lines before", `Suite: evil\n\n${inRelease}`, "tampered"],
  ["an empty line before", `\n${inRelease}`, "tampered"],
  ["lines after", `${inRelease}Suite: evil\n`, "tampered"],
  ["an empty line after", `${inRelease}\n`, "tampered"],
  ["two messages", inRelease + inRelease, "tampered"],
  ["a dash that is not escaped", inRelease.replace("Suite:", "-Suite:"), "tampered"],
  ["a message in the message", inRelease.replace("Suite:", `${head}\nSuite:`), "tampered"],
  ["a header with a dash", inRelease.replace("Hash:", "-Hash:"), "tampered"],
  ["a header that gpgv does not know", inRelease.replace("Hash:", "Comment:"), "tampered"],
  ["a header that is none", inRelease.replace("Hash: ", "Hash: \n"), "tampered"],
  ["a zero in the text", inRelease.replace("Suite:", "Su\0ite:"), "tampered"],
  [
    "a dash in the signature",
    inRelease.replace("=", "-=").replace(tail, `${tail}\n-x`),
    "tampered",
  ],
  ["a cut text", inRelease.slice(0, 900), "malformed"],
  ["a cut signature", inRelease.slice(0, -60), "malformed"],
  ["no headers' end", `${head}\nHash: SHA256`, "malformed"],
];

for (const [what, text, kind] of forms)
  test(`${what} is refused`, async () => {
    await refusal(signers(Buffer.from(text), all), kind);
    expect(() => signedText(text)).toThrow(Problem);
  });

test("lines of spaces take no time", () => {
  const wide = inRelease.replace("Suite:", `Suite:${" ".repeat(2_000_000)}x`);
  expect(signedText(wide).length).toBeGreaterThan(2_000_000);
});

test("escaped dashes are taken off", () => {
  const escaped = inRelease.replace("Suite:", "- -Suite:").replace("Origin:", "- Origin:");
  expect(signedText(escaped)).toContain("\n-Suite: stable\n");
  expect(signedText(escaped)).toContain("\nOrigin: Example\n");
});

for (const [what, keyring] of [
  ["nothing", ""],
  ["a page", "<html></html>"],
  ["a key that is cut", key("rsa").subarray(0, 300)],
  ["a cut binary key", binary(key("rsa")).subarray(0, 100)],
  ["a signature", fixture("Release.gpg")],
  [
    "a block that is no base64",
    key("rsa")
      .toString()
      .replace(/^[A-Za-z0-9+/]{8}/m, "????????"),
  ],
  ["a keybox", Buffer.from("\0\0\0\x20\x01\x01\0\x02KBXf\0\0\0\0", "latin1")],
] as const)
  test(`a keyring with ${what} is refused`, async () => {
    await refusal(signers(two, Buffer.from(keyring)), "malformed");
  });

test("a key that cannot be understood does not hide the others", async () => {
  // A public key packet of version 2.
  const strange = Buffer.from([0x99, 0, 3, 2, 0, 0]);
  expect(await signers(two, Buffer.concat([strange, binary(key("rsa"))]))).toEqual([RSA]);
});

test("random damage is never anything but a Problem", async () => {
  let state = 53;
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
  const keyring = Buffer.concat(all.map(binary));
  const signature = Buffer.from(dearmour(fixture("Release.gpg").toString(), "SIGNATURE"));
  const damage = (bytes: Buffer) => {
    const copy = Buffer.from(bytes);
    for (let count = 1 + next(3); count > 0; count--) copy[next(copy.length)] = next(256);
    return copy.subarray(0, next(4) ? copy.length : next(copy.length));
  };
  let refused = 0;
  for (let turn = 0; turn < 200; turn++) {
    const runs = [
      () => verifyClearSigned(damage(two), keyring, { at }),
      () => verifyClearSigned(two, damage(keyring), { at }),
      () => verifyDetached(release, damage(signature), keyring, { at }),
      () => verifyDetached(damage(release), signature, keyring, { at }),
    ];
    for (const run of runs) {
      const result = await run().catch((error) => error);
      if (!(result instanceof Error)) continue;
      expect(result).toBeInstanceOf(Problem);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(300);
}, 60_000);

test("signatures without end are not checked one by one", async () => {
  const text = release.toString("latin1").trimEnd();
  const [, block = ""] = two.toString("latin1").split(/(?=-----BEGIN PGP SIGNATURE)/);
  const file = `-----BEGIN PGP SIGNED MESSAGE-----\n\n${text}\n${block.repeat(400)}`;
  const checking = verifyClearSigned(Buffer.from(file, "latin1"), key("rsa"), { at });
  expect(await refusal(checking, "malformed")).toContain("more signatures");
});
