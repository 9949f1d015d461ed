import { expect, test } from "bun:test";
import { createLru } from "../cache/lru.ts";
import type { Reply } from "../core/reply.ts";
import { bodyParts } from "../core/testkit.ts";
import { createRepeats } from "./repeat.ts";
import type { Incoming } from "./server.ts";

function incoming(changes: Partial<Incoming> = {}, headers: Record<string, string> = {}): Incoming {
  return {
    method: "GET",
    path: "/npm/a",
    query: "",
    origin: "http://one.example.test",
    address: "192.0.2.1",
    client: "192.0.2.1:5000",
    header: (name) => headers[name] ?? null,
    ...bodyParts(),
    ...changes,
  };
}

function open() {
  const clock = { now: 1_000_000, isCurrent: true };
  const repeats = createRepeats(() => clock.now, createLru(100));
  const reply: Reply = {
    status: 200,
    headers: {},
    body: "a",
    isShared: true,
    isCurrent: () => clock.isCurrent,
  };
  /** Serves once, as `serve` does that looks at Accept. */
  function serve(request: Incoming, given: Reply = reply, look = (_: Incoming) => {}): void {
    const { incoming: seen, keep } = repeats.note(request, undefined, "");
    seen.header("accept");
    look(seen);
    keep({ reply: given, repository: "npm" });
  }
  const finds = (request: Incoming, only?: string) =>
    repeats.find(request, only, "")?.reply === reply;
  return { clock, reply, serve, finds };
}

test("a request that repeats gets the same reply, whatever it says in headers that nobody looked at", () => {
  const { serve, finds } = open();
  expect(finds(incoming())).toBe(false);
  serve(incoming());
  expect(finds(incoming())).toBe(true);
  expect(finds(incoming({ address: "192.0.2.2" }, { "user-agent": "other" }))).toBe(true);
});

test("a request that differs in anything that counted is served anew", () => {
  const { serve, finds } = open();
  serve(incoming());
  expect(finds(incoming({ path: "/npm/b" }))).toBe(false);
  expect(finds(incoming({ query: "x" }))).toBe(false);
  expect(finds(incoming({ method: "HEAD" }))).toBe(false);
  expect(finds(incoming({ origin: "http://two.example.test" }))).toBe(false);
  expect(finds(incoming({}, { accept: "text/html" }))).toBe(false);
  expect(finds(incoming(), "npm")).toBe(false);
});

test("a reply is given again for a second at most, and only while it is current", () => {
  const { clock, serve, finds } = open();
  serve(incoming());
  clock.now += 999;
  expect(finds(incoming())).toBe(true);
  clock.isCurrent = false;
  expect(finds(incoming())).toBe(false);
  clock.isCurrent = true;
  clock.now += 1;
  expect(finds(incoming())).toBe(false);
});

test("what is for one client, or cannot say whether it is current, is never given to another", () => {
  const { reply, serve, finds } = open();
  serve(incoming(), reply, (seen) => expect(seen.client).toBe("192.0.2.1:5000"));
  expect(finds(incoming())).toBe(false);
  const { isCurrent: _, ...silent } = reply;
  serve(incoming(), silent);
  expect(finds(incoming())).toBe(false);
  serve(incoming(), { ...reply, isShared: false });
  expect(finds(incoming())).toBe(false);
});

test("a reply that was looked up with headers as nobody sends them is not kept: they would be kept with it", () => {
  const { serve, finds } = open();
  const long = incoming({}, { accept: "x".repeat(2000) });
  serve(long);
  expect(finds(long)).toBe(false);
});
