// The relay through a folder: who reads along reads the very file that another process of this machine writes, which is told by its path.
import { stat } from "node:fs/promises";
import { Problem } from "../core/problem.ts";
import { createFill } from "./fill.ts";
import type { Heard, Relay } from "./relay.ts";

/** How often others are told how much there is. */
const PAUSE_MS = 250;

/** `local`: the path of a blob; null where there is none. */
export function createFolderRelay(local: (sha256: string) => Promise<string | null>): Relay {
  return {
    async send(fill, _size, tell) {
      const { path } = fill;
      let isWanted = true;
      while (isWanted && fill.state === "running") {
        isWanted = await tell(path, fill.written);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    },
    async receive(path, _limit, hear) {
      const fill = createFill(path);
      const ino = await fileAt(path);

      async function gather(): Promise<void> {
        let heard: Heard;
        for (heard = await hear(); "bytes" in heard; heard = await hear()) {
          if (heard.id !== path) throw lost("is written by another one by now");
          fill.advance(heard.bytes);
        }
        const stored = await local(heard.sha256);
        if (stored === null) throw lost("is gone");
        // Of another process that began anew: who reads along has the first one's open.
        if ((await fileAt(stored)) !== ino) throw lost("was written by another one");
        fill.move(stored);
        fill.advance((await stat(stored)).size);
        fill.prove();
      }
      const done = gather().catch((error) => {
        fill.fail(error);
        throw error;
      });
      return { fill, done };
    },
    async sweep() {}, // the files are their writer's own
  };
}

/** Which file it is, whatever its name becomes. */
async function fileAt(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (!found) throw lost("has another name by now");
  return found.ino;
}

function lost(why: string): Problem {
  return new Problem("unreachable", `What another process wrote ${why}`);
}
