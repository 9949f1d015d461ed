// The guard itself: what leaves the machine fails by name, what stays works.
import { expect, test } from "bun:test";
import dns from "node:dns/promises";
import http from "node:http";
import net from "node:net";
import { startUpstream } from "./support/fake-upstream/index.ts";
import { mayReach } from "./support/hermetic.ts";

const hosts: [host: string, may: boolean][] = [
  ["127.0.0.1", true],
  ["127.9.8.7", true],
  ["::1", true],
  ["localhost", true],
  ["registry.example.test", false],
  ["localhost.example.test", false],
  ["10.0.0.1", false],
  ["1127.0.0.1", false],
];

for (const [host, may] of hosts) test(`mayReach(${host})`, () => expect(mayReach(host)).toBe(may));

const named = /registry\.example\.test/;

test("fetch names the host that it was kept from", () =>
  expect(fetch("http://registry.example.test/x")).rejects.toThrow(named));

test("a proxy elsewhere counts as elsewhere", () =>
  expect(
    fetch("http://127.0.0.1/", { proxy: "http://registry.example.test:3128" }),
  ).rejects.toThrow(named));

test("a plain socket names the host that it was kept from", () =>
  expect(() => net.connect(443, "registry.example.test")).toThrow(named));

test("names are not resolved", () =>
  expect(dns.lookup("registry.example.test")).rejects.toThrow(named));

test("node:http is kept in as well", async () => {
  const { promise, resolve } = Promise.withResolvers<Error>();
  try {
    http
      .get("http://registry.example.test/", () => resolve(new Error("answered")))
      .on("error", resolve);
  } catch (error) {
    resolve(error as Error);
  }
  expect((await promise).message).toMatch(named);
});

test("loopback works", async () => {
  const upstream = await startUpstream();
  try {
    expect((await fetch(`${upstream.urls.npm}/-/ping`)).status).toBe(200);
  } finally {
    await upstream.stop();
  }
});
