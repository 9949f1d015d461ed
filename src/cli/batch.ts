// Lines on their way to whoever reads them: together instead of one by one, one batch at a time, and not without end.

export interface Batch {
  add(line: string): void;
  /** Whether a batch was handed on that is not out yet. */
  readonly isWriting: boolean;
  /** Takes what was not handed on, for the end of the process. */
  rest(): string;
}

export interface BatchOptions {
  /** How long a line waits for others, in milliseconds. */
  everyMs: number;
  /** Characters that wait at most; further lines are dropped. */
  limit?: number;
  /** Told how many were dropped, once lines get out again. */
  lost(lines: number): void;
}

const LIMIT = 8 * 1024 * 1024;

/** `write` calls back when all of the text is out: until then the next batch waits. */
export function createBatch(
  write: (text: string, done: () => void) => void,
  { everyMs, limit = LIMIT, lost }: BatchOptions,
): Batch {
  let text = "";
  let dropped = 0;
  let isWriting = false;
  let isTimed = false;

  function flush(): void {
    isTimed = false;
    if (isWriting || text === "") return;
    const batch = text;
    text = "";
    isWriting = true;
    write(batch, () => {
      isWriting = false;
      if (dropped > 0) {
        const lines = dropped;
        dropped = 0;
        lost(lines);
      }
      flush();
    });
  }

  return {
    add(line) {
      if (text.length > limit) {
        dropped += 1;
        return;
      }
      text += line;
      if (isTimed || isWriting) return;
      isTimed = true;
      setTimeout(flush, everyMs);
    },
    get isWriting() {
      return isWriting;
    },
    rest() {
      const left = text;
      text = "";
      return left;
    },
  };
}
