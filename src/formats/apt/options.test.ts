import { expect, test } from "bun:test";
import { generateKey } from "openpgp";
import { aptOptions } from "./options.ts";

const { publicKey } = await generateKey({ userIDs: [{ name: "x" }] });
const keyring = { path: "/etc/vendor.asc", bytes: Buffer.from(publicKey) };

function messages(options: unknown): string {
  const { error } = aptOptions.safeParse(options);
  return (error?.issues ?? [])
    .map(({ path, message }) => `${path.join(".")}: ${message}`)
    .join("\n");
}

test("a keyring is one file or a list of them", () => {
  expect(aptOptions.parse({ keyring })).toMatchObject({
    keyring: [keyring],
    onChange: "refuse",
    generations: 5,
  });
  expect(aptOptions.parse({ keyring: [keyring, keyring] }).keyring).toHaveLength(2);
});

test("a repository says who signs it, or that nobody is asked", () => {
  expect(messages({})).toContain("keyring: FILE");
  expect(messages({})).toContain("unverified: true");
  expect(messages({ unverified: true })).toBe("");
  expect(messages({ unverified: true, keyring })).toStartWith("unverified: either");
});

test("a file without keys is told by its path", () => {
  const bad = { path: "/etc/vendor.asc", bytes: Buffer.from("<html>") };
  expect(messages({ keyring: bad })).toBe("keyring: /etc/vendor.asc holds no OpenPGP public key");
  expect(messages({ keyring: [keyring, bad] })).toStartWith("keyring.1: ");
});

test("a mirror has defaults, and its sizes and times are numbers", () => {
  const { mirror } = aptOptions.parse({
    keyring,
    mirror: { suites: ["bookworm", "./", "ubuntu2204/x86_64/"], every: "6h", limitRate: "10MiB" },
  });
  expect(mirror).toMatchObject({
    every: 21_600_000,
    limitRate: 10_485_760,
    connections: 20,
    sources: false,
  });
  expect(messages({ keyring, mirror: { suites: [] } })).toContain("mirror.suites");
  for (const suite of ["../x", "/x", "a//b", "a/../b"])
    expect(messages({ keyring, mirror: { suites: [suite] } })).toContain("mirror.suites.0");
  expect(messages({ keyring, mirror: { suites: ["a"], every: "1s" } })).toContain("1m or longer");
});
