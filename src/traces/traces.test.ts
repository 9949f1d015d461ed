import { expect, test } from "bun:test";
import { createLog } from "../core/log.ts";
import { otlpJson } from "./otlp.ts";
import { createQueue } from "./queue.ts";
import { createTracer, parseTraceparent, type Span } from "./span.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const headers: [header: string | null, isKept: boolean | null][] = [
  [`00-${TRACE}-${SPAN}-01`, true],
  [`00-${TRACE}-${SPAN}-03`, true],
  [`00-${TRACE}-${SPAN}-00`, false],
  [null, null],
  ["", null],
  [`00-${"0".repeat(32)}-${SPAN}-01`, null],
  [`00-${TRACE}-${"0".repeat(16)}-01`, null],
  [`00-${TRACE.toUpperCase()}-${SPAN}-01`, null],
  [`01-${TRACE}-${SPAN}-01`, null],
  [`00-${TRACE}-${SPAN}-01-more`, null],
  [`00-${TRACE}-${SPAN}`, null],
];
for (const [header, isKept] of headers)
  test(`parseTraceparent(${header})`, () =>
    expect(parseTraceparent(header)).toEqual(
      isKept === null ? null : { trace: TRACE, span: SPAN, isKept },
    ));

test("what runs within is a part, however deep, and what is beside is none", async () => {
  const spans: Span[] = [];
  let now = 0;
  const tracer = createTracer({
    sample: 1,
    now: () => ++now,
    finished: (span) => spans.push(span),
  });
  expect(tracer.traceparent()).toBeNull();
  expect(await tracer.within("alone", "internal", async (span) => span)).toBeNull();
  await tracer.begin(null, "one", () =>
    tracer.within("two", "client", () =>
      tracer.within("three", "internal", async () => tracer.traceparent()),
    ),
  );
  expect(() =>
    tracer.begin(null, "thrown", () => {
      throw new Error("because");
    }),
  ).toThrow("because");
  await expect(
    tracer.begin(null, "rejected", () => Promise.reject(new Error("later"))),
  ).rejects.toThrow("later");
  const [three, two, one, ...failed] = spans;
  expect([one!.parent, two!.parent, three!.parent]).toEqual([null, one!.id, two!.id]);
  expect(new Set([one!.trace, two!.trace, three!.trace]).size).toBe(1);
  expect(failed.map(({ name, failure }) => [name, failure])).toEqual([
    ["thrown", "because"],
    ["rejected", "later"],
  ]);
});

test("times keep their nanoseconds, and numbers their kind", () => {
  const attributes = { a: "x", b: 3, c: 0.5, d: true };
  const span: Span = {
    trace: TRACE,
    id: SPAN,
    parent: null,
    name: "n",
    kind: "server",
    start: 1_764_000_000_000.5,
    end: 1_764_000_000_001,
    attributes,
    failure: null,
  };
  const [{ scopeSpans }] = JSON.parse(otlpJson([span], "1.0.0")).resourceSpans;
  const [told] = scopeSpans[0].spans;
  expect(told).toMatchObject({
    startTimeUnixNano: "1764000000000500000",
    endTimeUnixNano: "1764000000001000000",
    status: {},
  });
  expect(told.attributes.map(({ value }: { value: unknown }) => value)).toEqual([
    { stringValue: "x" },
    { intValue: "3" },
    { doubleValue: 0.5 },
    { boolValue: true },
  ]);
});

test("what the collector is too slow for is dropped, and never waited for", async () => {
  const held = Promise.withResolvers<void>();
  let brought = 0;
  const queue = createQueue({
    async post(spans) {
      await held.promise;
      brought += spans.length;
    },
    log: createLog("json", () => {}),
  });
  const span = { trace: TRACE, id: SPAN, parent: null, name: "n", attributes: {}, failure: null };
  for (let at = 0; at < 10_000; at += 1)
    queue.add({ ...span, kind: "internal", start: at, end: at });
  held.resolve();
  await queue.close();
  expect(brought).toBeGreaterThan(4000);
  expect(brought).toBeLessThan(6000);
});
