// Spans of traces: what took how long within one request, and whose part it was. https://www.w3.org/TR/trace-context/
import { AsyncLocalStorage } from "node:async_hooks";

export type SpanKind = "internal" | "server" | "client";
export type Attributes = Record<string, string | number | boolean>;

export interface Span {
  /** 32 digits. */
  readonly trace: string;
  /** 16 digits. */
  readonly id: string;
  readonly parent: string | null;
  readonly name: string;
  readonly kind: SpanKind;
  /** Milliseconds since the epoch, with fractions. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Attributes;
  /** Why it failed; null when it did not. */
  readonly failure: string | null;
}

export interface TracerOptions {
  /** The share of traces that are kept: 0 to 1. */
  sample: number;
  /** Milliseconds since the epoch, with fractions. */
  now(): number;
  finished(span: Span): void;
}

/** A span while it runs. */
export interface Running {
  attributes: Attributes;
  failure: string | null;
}

export interface Tracer {
  /**
   * A new trace, or a part of the one that the header tells; most are not kept, and then `work` is simply done. Ends when what `work` gives is there.
   */
  begin<T>(traceparent: string | null, name: string, work: (span: Running | null) => T): T;
  /** A part of what runs now; where nothing is kept `work` is simply done. */
  within<T>(name: string, kind: SpanKind, work: (span: Running | null) => Promise<T>): Promise<T>;
  /** What an upstream is told of the span that runs now. */
  traceparent(): string | null;
}

interface Place {
  trace: string;
  id: string;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

export function createTracer({ sample, now, finished }: TracerOptions): Tracer {
  const current = new AsyncLocalStorage<Place>();

  function run<T>(
    place: Place,
    parent: string | null,
    name: string,
    kind: SpanKind,
    work: (span: Running) => T,
  ): T {
    const start = now();
    const running: Running = { attributes: {}, failure: null };
    const end = () => finished({ ...place, parent, name, kind, start, end: now(), ...running });
    const fail = (error: unknown) => {
      running.failure ??= error instanceof Error ? error.message : String(error);
      end();
      throw error;
    };
    let done: T;
    try {
      done = current.run(place, () => work(running));
    } catch (error) {
      return fail(error);
    }
    if (!(done instanceof Promise)) {
      end();
      return done;
    }
    return done.then((value) => {
      end();
      return value;
    }, fail) as T;
  }

  return {
    begin(traceparent, name, work) {
      const told = parseTraceparent(traceparent);
      const isKept = told ? told.isKept : Math.random() < sample;
      if (!isKept) return work(null);
      const place = { trace: told?.trace ?? digits(16), id: digits(8) };
      return run(place, told?.span ?? null, name, "server", work);
    },
    within(name, kind, work) {
      const parent = current.getStore();
      if (!parent) return work(null);
      return run({ trace: parent.trace, id: digits(8) }, parent.id, name, kind, work);
    },
    traceparent() {
      const place = current.getStore();
      return place ? `00-${place.trace}-${place.id}-01` : null;
    },
  };
}

/** Null for what is none, as the specification wants it. */
export function parseTraceparent(
  header: string | null,
): { trace: string; span: string; isKept: boolean } | null {
  const [, trace = "", span = "", flags = ""] = TRACEPARENT.exec(header ?? "") ?? [];
  if (/^0*$/.test(trace) || /^0*$/.test(span)) return null;
  return { trace, span, isKept: (Number.parseInt(flags, 16) & 1) === 1 };
}

function digits(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
}
