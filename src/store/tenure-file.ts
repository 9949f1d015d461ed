// The word that a catalog leaves beside its files where they are in the data directory: see tenure.ts.
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import { isOutOfHandles, shortageOf } from "../core/shortage.ts";
import { guard } from "./guard.ts";
import { FILE_MODE, type Layout } from "./layout.ts";
import type { Beside, Word } from "./tenure.ts";

/** Where it lies in a data directory. */
export const tenureIn = (root: string) => join(root, "tenure.json");

/** One process at a time writes it: the one that holds the data directory. */
export function besideFolder({ root }: Pick<Layout, "root">): Beside {
  const file = tenureIn(root);
  return {
    name: root,
    async read() {
      const text = await textOf(file);
      if (text === null) return { word: null, version: null };
      const word = wordOf(parsed(text));
      if (word) return { word, version: null };
      throw new Problem(
        "conflict",
        `${file} is damaged: it says which state of the catalog the files beside it belong to. Without it they are those of the one that starts next`,
      );
    },
    async write(word) {
      await guard(replace(file, `${JSON.stringify(word)}\n`));
      return true;
    },
  };
}

/** Null where there is none. What cannot be read says nothing of whose the files are. */
async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    if (isOutOfHandles(code)) throw shortageOf(error);
    throw new Problem("busy", `${file} cannot be read (${code ?? message})`, { cause: error });
  }
}

/** On the disk before it has the name: an empty one, as a machine that loses its power may leave, would be a damaged one. */
async function replace(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, "w", FILE_MODE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
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
