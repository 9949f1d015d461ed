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

test("a client that comes back from another port soon is the same one, and later a new one", () => {
  sessions.note("192.0.2.1:1000", "dists/a", "one");
  time += 4 * MINUTE;
  expect(sessions.of("192.0.2.1:1001", "dists/a")).toBe("one");
  time += 2 * MINUTE;
  expect(sessions.of("192.0.2.1:1001", "dists/a")).toBeNull();
  expect(sessions.of("192.0.2.1:1000", "dists/a")).toBe("one");
  time += 60 * MINUTE;
  expect(sessions.of("192.0.2.1:1000", "dists/a")).toBeNull();
});

test("clients named by a proxy have no port", () => {
  sessions.note("2001:db8::1", "dists/a", "one");
  sessions.note("198.51.100.7", "dists/a", "two");
  expect(sessions.of("2001:db8::1", "dists/a")).toBe("one");
  expect(sessions.of("198.51.100.7", "dists/a")).toBe("two");
});

test("memory is bounded, and the newest stay", () => {
  for (let at = 0; at < 30_000; at++) sessions.note(`10.${at >> 8}.${at & 255}.1:1`, "s", `${at}`);
  expect(sessions.of("10.0.0.1:1", "s")).toBeNull();
  expect(sessions.of("10.117.47.1:1", "s")).toBe("29999");
});
