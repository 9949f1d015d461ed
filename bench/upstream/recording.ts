// What the real registries answered, each thing asked once and kept: an index of keys and a folder of bodies.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Recorded {
  key: string;
  status: number;
  type: string;
  /** Body file, relative to the recording. */
  file: string;
  size: number;
}

export interface Recording {
  readonly folder: string;
  get(key: string): Recorded | null;
  put(key: string, status: number, type: string, body: Uint8Array): Recorded;
  path(recorded: Recorded): string;
  all(): Iterable<Recorded>;
}

/** Opens a recording, making it when it is not there. A body is complete before the index names it. */
export function openRecording(folder: string): Recording {
  mkdirSync(join(folder, "bodies"), { recursive: true });
  const index = join(folder, "index.jsonl");
  const entries = new Map<string, Recorded>();
  if (existsSync(index))
    for (const line of readFileSync(index, "utf8").split("\n")) {
      if (!line) continue;
      const recorded = JSON.parse(line) as Recorded;
      entries.set(recorded.key, recorded);
    }
  const path = (recorded: Recorded) => join(folder, recorded.file);
  return {
    folder,
    path,
    get: (key) => entries.get(key) ?? null,
    all: () => entries.values(),
    put(key, status, type, body) {
      const name = new Bun.CryptoHasher("sha256").update(key).digest("hex").slice(0, 32);
      const recorded = { key, status, type, file: join("bodies", name), size: body.length };
      writeFileSync(path(recorded), body);
      entries.set(key, recorded);
      appendFileSync(index, `${JSON.stringify(recorded)}\n`);
      return recorded;
    },
  };
}
