import { expect, test } from "bun:test";
import type { z } from "zod";
import { parseSize } from "../core/size.ts";
import * as values from "./values.ts";

const sizes: [text: string, bytes: number][] = [
  ["0B", 0],
  ["1023B", 1023],
  ["1KiB", 1024],
  ["64MiB", 67_108_864],
  ["3GiB", 3_221_225_472],
];
for (const [text, bytes] of sizes)
  test(`${text} is ${bytes} bytes and is written back so`, () => {
    expect(parseSize(text)).toBe(bytes);
    expect(values.formatSize(bytes)).toBe(text);
  });

test("decimal units are powers of a thousand", () => expect(parseSize("2MB")).toBe(2e6));

for (const text of ["", "64", "64 MiB", "-1B", "1.5GiB", "64mib"])
  test(`parseSize(${JSON.stringify(text)}) throws`, () =>
    expect(() => parseSize(text)).toThrow(RangeError));

for (const text of ["10%", "0B", "20GiB"])
  test(`${text} of a disk is written back so`, () =>
    expect(values.formatShare(values.DiskShare.parse(text))).toBe(text));

const durations: [ms: number, text: string][] = [
  [0, "0s"],
  [30_000, "30s"],
  [90_000, "90s"],
  [300_000, "5m"],
  [86_400_000, "1d"],
  [90_000_000, "25h"],
];
for (const [ms, text] of durations)
  test(`${ms} ms is ${text}`, () => expect(values.formatDuration(ms)).toBe(text));

const addresses: [text: string, want: values.Address | null][] = [
  ["127.0.0.1:4653", { host: "127.0.0.1", port: 4653 }],
  ["localhost:0", { host: "localhost", port: 0 }],
  ["[::1]:80", { host: "::1", port: 80 }],
  ["::1:80", null],
  [":4653", null],
  ["4653", null],
  ["host:65536", null],
  ["host:", null],
  ["http://host:80", null],
];
for (const [text, want] of addresses)
  test(`parseAddress(${text})`, () => {
    expect(values.parseAddress(text)).toEqual(want);
    if (want) expect(values.formatAddress(want)).toBe(text);
  });

const { HttpUrl, ProxyUrl, IpRange, EnvName } = values;
const schemas: Record<string, z.ZodType> = { HttpUrl, ProxyUrl, IpRange, EnvName };
const forms: [name: string, text: string, accepted: boolean][] = [
  ["HttpUrl", "https://registry.example.test/path", true],
  ["HttpUrl", "ftp://registry.example.test/", false],
  ["HttpUrl", "https://user:secret@registry.example.test/", false],
  ["HttpUrl", "registry.example.test", false],
  ["ProxyUrl", "http://proxy.example.test:3128", true],
  ["ProxyUrl", "socks5://me@proxy.example.test:1080", true],
  ["ProxyUrl", "http://me:secret@proxy.example.test:3128", false],
  ["ProxyUrl", "proxy.example.test:3128", false],
  ["IpRange", "10.0.0.7", true],
  ["IpRange", "10.0.0.0/8", true],
  ["IpRange", "::1", true],
  ["IpRange", "fd00::/8", true],
  ["IpRange", "10.0.0.0/33", false],
  ["IpRange", "proxy.example.test", false],
  ["EnvName", "REGISTRY_TOKEN", true],
  ["EnvName", "$REGISTRY_TOKEN", false],
];
for (const [name, text, accepted] of forms)
  test(`${name} ${accepted ? "takes" : "refuses"} ${text}`, () => {
    const result = schemas[name]!.safeParse(text);
    expect(result.success).toBe(accepted);
    expect(JSON.stringify(result.error?.issues ?? [])).not.toContain("secret");
  });
