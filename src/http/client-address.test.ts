import { expect, test } from "bun:test";
import { addressTest } from "../core/address.ts";
import { clientAddress } from "./client-address.ts";

const trusted = addressTest(["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"]);

const cases: [peer: string, forwardedFor: string, want: string][] = [
  ["203.0.113.9", "1.2.3.4", "203.0.113.9"], // an untrusted peer's word counts for nothing
  ["127.0.0.1", "1.2.3.4", "1.2.3.4"],
  ["127.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.7", "1.2.3.4"], // what the client itself wrote first is not believed
  ["::ffff:127.0.0.1", "1.2.3.4", "1.2.3.4"],
  ["127.0.0.1", "", "127.0.0.1"],
  ["::1", "2001:db8::7", "2001:db8::7"],
];
for (const [peer, chain, want] of cases)
  test(`clientAddress(${peer} for "${chain}") is ${want}`, () =>
    expect(
      clientAddress(peer, (name) => (name === "x-forwarded-for" ? chain : null), trusted).address,
    ).toBe(want));

test("X-Forwarded-Host and -Proto count only from a trusted proxy", () => {
  const header = (name: string) =>
    ({ "x-forwarded-host": "p.example.com", "x-forwarded-proto": "https" })[name] ?? null;
  expect(clientAddress("127.0.0.1", header, trusted)).toMatchObject({
    host: "p.example.com",
    protocol: "https",
  });
  expect(clientAddress("203.0.113.9", header, trusted)).toMatchObject({
    host: null,
    protocol: null,
  });
});

test("addressTest() refuses what is no address", () => {
  for (const bad of ["localhost", "1.2.3", "1.2.3.999", "::1::", "1:2:3:4:5:6:7:8:9"])
    expect(() => addressTest([bad])).toThrow(RangeError);
});
