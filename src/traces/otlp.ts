// Spans in the JSON of OpenTelemetry's protocol. https://opentelemetry.io/docs/specs/otlp/
import type { Attributes, Span, SpanKind } from "./span.ts";

/** opentelemetry/proto/trace/v1/trace.proto, SpanKind. */
const KINDS: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 };
const ERROR = 2;

/** The body of one request to a collector. */
export function otlpJson(spans: readonly Span[], version: string): string {
  const resource = { "service.name": "holdfast", "service.version": version };
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope: { name: "holdfast", version }, spans: spans.map(spanOf) }],
      },
    ],
  });
}

function spanOf({ trace, id, parent, name, kind, start, end, attributes, failure }: Span): object {
  return {
    traceId: trace,
    spanId: id,
    ...(parent !== null && { parentSpanId: parent }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: attributesOf(attributes),
    status: failure === null ? {} : { code: ERROR, message: failure },
  };
}

/** As text: numbers of JSON end at 2^53. */
function nanoseconds(ms: number): string {
  const whole = Math.floor(ms);
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000_000)));
}

function attributesOf(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: string | number | boolean): object {
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "string") return { stringValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
