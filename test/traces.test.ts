// Traces as a collector gets them: valid OTLP, whole, sampled, with the traces of others where that is wanted; and a collector that is away.
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { waitFor } from "./support/wait.ts";

/** opentelemetry-proto's ExportTraceServiceRequest as JSON: bytes are hex digits, 64-bit numbers are text. */
const Attributes = z.array(
  z.strictObject({
    key: z.string().min(1),
    value: z.union([
      z.strictObject({ stringValue: z.string() }),
      z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
      z.strictObject({ doubleValue: z.number() }),
      z.strictObject({ boolValue: z.boolean() }),
    ]),
  }),
);
const nano = z.string().regex(/^\d{19}$/);
const Span = z.strictObject({
  traceId: z.string().regex(/^(?!0{32})[0-9a-f]{32}$/),
  spanId: z.string().regex(/^(?!0{16})[0-9a-f]{16}$/),
  parentSpanId: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  name: z.string().min(1),
  kind: z.number().int().min(1).max(5),
  startTimeUnixNano: nano,
  endTimeUnixNano: nano,
  attributes: Attributes,
  status: z.strictObject({ code: z.literal([1, 2]).optional(), message: z.string().optional() }),
});
const Export = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes: Attributes }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string() }),
          spans: z.array(Span).min(1),
        }),
      ),
    }),
  ),
});
type Seen = z.infer<typeof Span>;

let spans: Seen[] = [];
let faults: string[] = [];
let status = 200;
const collector = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    if (status !== 200) return new Response("", { status });
    const parsed = Export.safeParse(await request.json());
    if (new URL(request.url).pathname !== "/v1/traces" || request.method !== "POST")
      faults.push(`${request.method} ${request.url}`);
    if (request.headers.get("content-type") !== "application/json") faults.push("content-type");
    if (!parsed.success) faults.push(z.prettifyError(parsed.error));
    else
      for (const { scopeSpans } of parsed.data.resourceSpans)
        for (const scope of scopeSpans) spans.push(...scope.spans);
    return Response.json({});
  },
});
const endpoint = `http://127.0.0.1:${collector.port}/v1/traces`;
let upstream: FakeUpstream;
let server: TestServer | null = null;

beforeAll(async () => {
  upstream = await startUpstream();
});
afterEach(async () => {
  await server?.stop();
  server = null;
  expect(faults).toEqual([]);
  [spans, faults, status] = [[], [], 200];
});
afterAll(async () => {
  await upstream.stop();
  await collector.stop(true);
});

const open = async (traces: object) => {
  server = await startServer(upstream, { server: { traces: { endpoint, ...traces } } });
  return server;
};
/** All that was made comes to the collector before the server is gone. */
async function allSpans(): Promise<Seen[]> {
  await server!.stop();
  server = null;
  return spans;
}
const attributeOf = ({ attributes }: Seen, key: string) =>
  Object.values(attributes.find((one) => one.key === key)?.value ?? {})[0];

test("a request, its fetch and what it writes are one trace", async () => {
  const { url } = await open({});
  expect((await fetch(`${url}/npm/kelp/-/kelp-2.0.0.tgz`)).status).toBe(200);
  const seen = await allSpans();
  const request = seen.find(
    (one) => attributeOf(one, "url.path") === "/npm/kelp/-/kelp-2.0.0.tgz",
  )!;
  expect([request.kind, request.name, request.parentSpanId]).toEqual([2, "GET", undefined]);
  expect(attributeOf(request, "http.response.status_code")).toBe("200");
  expect(attributeOf(request, "holdfast.cache")).toContain("npm; fwd=uri-miss");
  const parts = seen.filter(({ traceId }) => traceId === request.traceId);
  const fetched = parts.find(({ name }) => name === "upstream fetch")!;
  expect([fetched.kind, attributeOf(fetched, "holdfast.repository")]).toEqual([3, "npm"]);
  expect(parts.some(({ name, kind }) => name === "catalog write" && kind === 1)).toBe(true);
  const ids = new Set(parts.map(({ spanId }) => spanId));
  for (const { parentSpanId, startTimeUnixNano, endTimeUnixNano } of parts) {
    expect([undefined, ...ids]).toContain(parentSpanId);
    expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));
  }
});

const TOLD = { trace: "4bf92f3577b34da6a3ce929d0e0e4736", span: "00f067aa0ba902b7" };

test("the trace of a client is gone on with where that is wanted, and upstreams are told", async () => {
  const { url } = await open({ incoming: true, outgoing: true, sample: 0 });
  const ask = (flags: string) =>
    fetch(`${url}/npm/tide`, {
      headers: { traceparent: `00-${TOLD.trace}-${TOLD.span}-${flags}` },
    });
  await ask("00");
  await ask("01");
  const seen = await allSpans();
  const request = seen.find(({ kind }) => kind === 2)!;
  expect([request.traceId, request.parentSpanId]).toEqual([TOLD.trace, TOLD.span]);
  expect(seen.filter(({ kind }) => kind === 2)).toHaveLength(1);
  const told = upstream.requests.flatMap(({ headers }) => headers["traceparent"] ?? []);
  // The first request was not kept, and the second one may have been answered of what it fetched.
  for (const header of told) expect(header).toStartWith(`00-${TOLD.trace}-`);
});

test("neither is done unless it is wanted, and nothing is kept of what is not sampled", async () => {
  const asked = upstream.requests.length;
  const { url } = await open({ sample: 0 });
  const traceparent = `00-${TOLD.trace}-${TOLD.span}-01`;
  await fetch(`${url}/npm/kelp`, { headers: { traceparent } });
  expect(upstream.requests.length).toBeGreaterThan(asked);
  expect(upstream.requests.slice(asked).map(({ headers }) => headers["traceparent"])).toEqual(
    upstream.requests.slice(asked).map(() => undefined),
  );
  expect(await allSpans()).toEqual([]);
});

test("a request that fails is told as such, and no harm is done", async () => {
  const { url } = await open({});
  expect((await fetch(`${url}/npm/no-such-package`)).status).toBe(404);
  upstream.fault("*/seal", "status", 500);
  const failed = await fetch(`${url}/npm/seal`);
  upstream.clear();
  expect(failed.status).toBe(424);
  const seen = await allSpans();
  const request = seen.find((one) => attributeOf(one, "url.path") === "/npm/seal")!;
  expect(request.status).toEqual({ code: 2, message: "status 424" });
  const fetched = seen.find(({ kind, traceId }) => kind === 3 && traceId === request.traceId)!;
  expect(fetched.status.code).toBe(2);
});

test("a collector that is away is told of once, and again when it is back", async () => {
  const running = await open({});
  const { log, url } = running;
  const about = () => log.filter((line) => line.includes("collector of traces"));
  status = 503;
  for (const name of ["kelp", "tide"]) {
    expect((await fetch(`${url}/npm/${name}`)).status).toBe(200);
    await waitFor(
      () => about().length === 1,
      () => log.join("\n"),
      20_000,
    );
  }
  expect(about()[0]).toContain("answers 503");
  status = 200;
  await waitFor(
    async () => {
      await fetch(`${url}/npm/kelp`);
      return about().length === 2;
    },
    () => log.join("\n"),
    20_000,
  );
  expect(about()[1]).toContain("takes them again");
}, 60_000);

test("a server that goes out to nobody tells no collector", async () => {
  server = await startServer(upstream, { offline: true, server: { traces: { endpoint } } });
  await fetch(`${server.url}/npm/kelp`);
  expect(await allSpans()).toEqual([]);
});
