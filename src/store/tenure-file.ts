// The word that a catalog leaves beside its files where they are in the data directory: see tenure.ts.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import { guard } from "./guard.ts";
import { FILE_MODE, type Layout } from "./layout.ts";
import type { Beside, Word } from "./tenure.ts";

/** One process at a time writes it: the one that holds the data directory. */
export function besideFolder({ root }: Pick<Layout, "root">): Beside {
  const file = join(root, "tenure.json");
  return {
    name: root,
    async read() {
      if (!existsSync(file)) return { word: null, version: null };
      const word = wordOf(parsed(readFileSync(file, "utf8")));
      if (word) return { word, version: null };
      throw new Problem(
        "conflict",
        `${file} is damaged: it says which state of the catalog the files beside it belong to. Without it they are those of the one that starts next`,
      );
    },
    async write(word) {
      await guard(
        (async () => {
          writeFileSync(`${file}.new`, `${JSON.stringify(word)}\n`, { mode: FILE_MODE });
          renameSync(`${file}.new`, file);
        })(),
      );
      return true;
    },
  };
}

/** Null for anything else. */
export function wordOf(value: unknown): Word | null {
  const { number, token } = (value ?? {}) as Partial<Word>;
  return Number.isSafeInteger(number) && typeof token === "string"
    ? { number: number!, token }
    : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
