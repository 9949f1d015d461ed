// What a mirror run shows while it works: bytes, files and how fast they come, at most once a second.
import type { OperationCall } from "../../../core/operation.ts";
import { sizeOf } from "./words.ts";

export interface Meter {
  /** More to fetch than was known before. */
  expect(files: number, bytes: number): void;
  came(bytes: number): void;
  settled(): void;
  /** Shows how far it is now, however lately that was done. */
  show(): void;
}

const SHOWN_EVERY_MS = 1_000;
/** The rate is that of the last seconds, not of all of them. */
const RATE_OVER_MS = 10_000;

export function createMeter(call: OperationCall, now: () => number): Meter {
  const done = { files: 0, bytes: 0 };
  const total = { files: 0, bytes: 0 };
  let marks = [{ at: now(), bytes: 0 }];
  let shownAt = Number.NEGATIVE_INFINITY;

  function rate(at: number): string {
    const [first] = marks;
    const ms = at - first!.at;
    return ms > 0 ? `, ${sizeOf(((done.bytes - first!.bytes) / ms) * 1000)}/s` : "";
  }

  function show(): void {
    const at = now();
    shownAt = at;
    const text = `${done.files.toLocaleString("en-US")} of ${total.files.toLocaleString("en-US")} files`;
    // What came a second time after a failure is in `done` and not in `total`.
    call.progress(Math.min(done.bytes, total.bytes), total.bytes, text + rate(at));
    marks.push({ at, bytes: done.bytes });
    const from = marks.findLastIndex((mark) => mark.at <= at - RATE_OVER_MS);
    marks = marks.slice(Math.max(0, from));
  }

  function maybeShow(): void {
    if (now() - shownAt >= SHOWN_EVERY_MS) show();
  }

  return {
    expect(files, bytes) {
      total.files += files;
      total.bytes += bytes;
    },
    came(bytes) {
      done.bytes += bytes;
      maybeShow();
    },
    settled() {
      done.files += 1;
      maybeShow();
    },
    show,
  };
}
