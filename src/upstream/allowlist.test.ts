import { expect, test } from "bun:test";
import { Problem } from "../core/problem.ts";
import { type AddressKind, createAllowlist, kindOfAddress, literalAddress } from "./allowlist.ts";

const addresses: [address: string, want: AddressKind][] = [
  ["93.184.215.14", "public"],
  ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "public"],
  ["172.15.255.255", "public"],
  ["172.32.0.0", "public"],
  ["100.63.255.255", "public"],
  ["127.0.0.1", "private"],
  ["127.255.255.254", "private"],
  ["10.1.2.3", "private"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.168.1.1", "private"],
  ["100.64.0.1", "private"],
  ["100.127.255.255", "private"],
  ["0.0.0.0", "private"],
  ["0.1.2.3", "private"],
  ["224.0.0.1", "private"],
  ["255.255.255.255", "private"],
  ["198.18.0.1", "private"],
  ["::", "private"],
  ["::1", "private"],
  ["0:0:0:0:0:0:0:1", "private"],
  ["::127.0.0.1", "private"],
  ["fc00::1", "private"],
  ["fdff::1", "private"],
  ["fec0::1", "private"],
  ["ff02::1", "private"],
  ["2001:db8::1", "private"],
  ["2002:7f00:1::", "private"],
  ["::ffff:127.0.0.1", "private"],
  ["::ffff:7f00:1", "private"],
  ["::ffff:93.184.215.14", "public"],
  ["64:ff9b::10.0.0.1", "private"],
  ["64:ff9b::93.184.215.14", "public"],
  ["169.254.0.1", "metadata"],
  ["169.254.169.254", "metadata"],
  ["::ffff:169.254.169.254", "metadata"],
  ["::FFFF:A9FE:A9FE", "metadata"],
  ["64:ff9b::169.254.169.254", "metadata"],
  ["fe80::1", "metadata"],
  ["fe80::1%eth0", "metadata"],
  ["febf::1", "metadata"],
  ["fd00:ec2::254", "metadata"],
  ["fd00:ec2::253", "private"],
  ["100.100.100.200", "metadata"],
  ["no address", "private"],
  ["", "private"],
];
for (const [address, want] of addresses)
  test(`kindOfAddress(${address})`, () => expect(kindOfAddress(address)).toBe(want));

const literals: [url: string, want: string | null][] = [
  ["http://registry.example.test/", null],
  ["http://[::1]:8080/", "::1"],
  ["http://127.1/", "127.0.0.1"],
  ["http://2130706433/", "127.0.0.1"],
  ["http://0x7f.0.0.1/", "127.0.0.1"],
  ["http://0251.0376.0251.0376/", "169.254.169.254"],
];
for (const [url, want] of literals)
  test(`literalAddress(${url})`, () => expect(literalAddress(new URL(url))).toBe(want));

const ports = ["files.example.test", "*.cdn.example.test", "odd.example.test:8443"];
const urls: [base: string, url: string, allowed: boolean][] = [
  ["https://registry.example.test/npm/", "https://registry.example.test/elsewhere", true],
  ["https://registry.example.test/", "https://registry.example.test:8443/", false],
  ["https://registry.example.test/", "http://registry.example.test/", false],
  ["https://registry.example.test/", "https://files.example.test/a", true],
  ["https://registry.example.test/", "https://FILES.example.test/a", true],
  ["https://registry.example.test/", "https://files.example.test:444/a", false],
  ["https://registry.example.test/", "https://xfiles.example.test/a", false],
  ["https://registry.example.test/", "https://files.example.test.evil.test/a", false],
  ["https://registry.example.test/", "https://a.cdn.example.test/a", true],
  ["https://registry.example.test/", "https://a.b.cdn.example.test/a", true],
  ["https://registry.example.test/", "https://cdn.example.test/a", false],
  ["https://registry.example.test/", "https://evilcdn.example.test/a", false],
  ["https://registry.example.test/", "https://odd.example.test:8443/a", true],
  ["https://registry.example.test/", "https://odd.example.test/a", false],
  ["https://registry.example.test/", "http://files.example.test/a", false],
  ["http://registry.example.test/", "http://files.example.test/a", true],
  ["http://registry.example.test/", "https://files.example.test/a", true],
  ["https://registry.example.test/", "https://user:pass@files.example.test/a", false],
  ["https://registry.example.test/", "https://user@registry.example.test/a", false],
  ["https://registry.example.test/", "ftp://files.example.test/a", false],
  ["https://registry.example.test/", "file:///etc/passwd", false],
  ["https://registry.example.test/", "https://169.254.169.254/", false],
];
for (const [base, url, allowed] of urls)
  test(`${base} ${allowed ? "may" : "may not"} lead to ${url}`, () => {
    const check = () => createAllowlist(new URL(base), ports).check(new URL(url));
    if (allowed) expect(check).not.toThrow();
    else expect(check).toThrow(Problem);
  });

test("the refusal names the host and the key that would allow it", () => {
  const list = createAllowlist(new URL("https://registry.example.test/"), []);
  expect(() => list.check(new URL("https://cdn.example.test:8443/a?token=x"))).toThrow(
    'cdn.example.test:8443: registry.example.test leads there, but it is not listed; add "cdn.example.test:8443" to `hosts` of this upstream to allow it',
  );
});

const resolved: [url: string, address: string, allowed: boolean][] = [
  ["https://registry.example.test/", "10.0.0.1", true],
  ["https://registry.example.test/", "127.0.0.1", true],
  ["https://registry.example.test/", "169.254.169.254", false],
  ["https://registry.example.test/", "fe80::1", false],
  ["https://files.example.test/", "10.0.0.1", true],
  ["https://files.example.test/", "169.254.169.254", false],
  ["https://a.cdn.example.test/", "10.0.0.1", false],
  ["https://a.cdn.example.test/", "::ffff:10.0.0.1", false],
  ["https://a.cdn.example.test/", "93.184.215.14", true],
  ["https://in.cdn.example.test/", "10.0.0.1", true],
  ["https://in.cdn.example.test/", "fd00:ec2::254", false],
];
for (const [url, address, allowed] of resolved)
  test(`${url} ${allowed ? "may" : "may not"} have the address ${address}`, () => {
    const list = createAllowlist(new URL("https://registry.example.test/"), ports, [
      "in.cdn.example.test",
    ]);
    const check = () => list.checkAddresses(new URL(url), ["93.184.215.14", address]);
    if (allowed) expect(check).not.toThrow();
    else expect(check).toThrow(Problem);
  });
