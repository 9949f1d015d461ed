import { beforeEach, expect, test } from "bun:test";
import { createSessions, type Sessions } from "./sessions.ts";

const MINUTE = 60_000;
let time = 0;
let sessions: Sessions;
beforeEach(() => {
  time = 1_000_000;
  sessions = createSessions(() => time);
});

test("a connection stays in the generation that it was given", () => {
  sessions.note("192.0.2.1:1000", "dists/a", "one");
  sessions.note("192.0.2.1:2000", "dists/a", "two");
  expect(sessions.of("192.0.2.1:1000", "dists/a")).toBe("one");
  expect(sessions.of("192.0.2.1:2000", "dists/a")).toBe("two");
  expect(sessions.of("192.0.2.1:1000", "dists/b")).toBeNull();
  expect(sessions.of("192.0.2.2:1000", "dists/a")).toBeNull();
});

test("a kept connection of an update that is over follows the client's last release", () => {
  sessions.note("192.0.2.1:1000", "dists/a", "one");
  time += 30 * MINUTE;
  sessions.note("192.0.2.1:2000", "dists/a", "two");
  expect(sessions.of("192.0.2.1:1000", "dists/a")).toBe("two");
  expect(sessions.of("192.0.2.1:2000", "dists/a")).toBe("two");
  expect(sessions.of("192.0.2.1:3000", "dists/a")).toBe("two");
});

test("an update that goes on for long stays in its generation, whatever others of its address get", () => {
  sessions.note("192.0.2.1:1000", "dists/a", "one");
  for (let minute = 0; minute < 20; minute++) {
    time += MINUTE;
    sessions.note("192.0.2.1:2000", "dists/a", "two");
    expect(sessions.of("192.0.2.1:1000", "dists/a")).toBe("one");
  }
});

test("a client that comes back from another port goes on where it was, as long as it goes on", () => {
  sessions.note("192.0.2.1:1000", "dists/a", "one");
  for (let minute = 0; minute < 20; minute++) {
    time += MINUTE;
    expect(sessions.of(`192.0.2.1:${1001 + minute}`, "dists/a")).toBe("one");
  }
});

test("a client that comes back from another port soon is the same one, and later a new one", () => {
  sessions.note("192.0.2.1:1000", "dists/a", "one");
  time += 4 * MINUTE;
  expect(sessions.of("192.0.2.1:1001", "dists/a")).toBe("one");
  time += 6 * MINUTE;
  expect(sessions.of("192.0.2.1:1002", "dists/a")).toBeNull();
});

test("a connection that nobody else's release passed by stays where it was for an hour", () => {
  sessions.note("192.0.2.1:1000", "dists/a", "one");
  time += 50 * MINUTE;
  expect(sessions.of("192.0.2.1:1000", "dists/a")).toBe("one");
  time += 61 * MINUTE;
  expect(sessions.of("192.0.2.1:1000", "dists/a")).toBeNull();
});

test("clients named by a proxy have no port, and are not each other", () => {
  sessions.note("2001:db8::1", "dists/a", "one");
  sessions.note("198.51.100.7", "dists/a", "two");
  sessions.note("198.51.100.8", "dists/a", "three");
  expect(sessions.of("2001:db8::1", "dists/a")).toBe("one");
  expect(sessions.of("198.51.100.7", "dists/a")).toBe("two");
  expect(sessions.of("198.51.100.8", "dists/a")).toBe("three");
  expect(sessions.of("198.51.100.9", "dists/a")).toBeNull();
});

test("IPv6 clients of one address and several ports are one", () => {
  for (const [one, other] of [
    ["[2001:db8::1]", "[2001:db8::2]"],
    ["2001:db8::1", "2001:db8::2"],
  ]) {
    sessions.note(`${one}:1000`, "dists/a", "one");
    expect(sessions.of(`${one}:1001`, "dists/a")).toBe("one");
    expect(sessions.of(`${other}:1001`, "dists/a")).toBeNull();
  }
});

test("memory is bounded, and the newest stay", () => {
  for (let at = 0; at < 30_000; at++) sessions.note(`10.${at >> 8}.${at & 255}.1:1`, "s", `${at}`);
  expect(sessions.of("10.0.0.1:1", "s")).toBeNull();
  expect(sessions.of("10.117.47.1:1", "s")).toBe("29999");
});
