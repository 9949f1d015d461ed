// Every ecosystem that this server speaks. Adding one is a folder beside this file and a line here.
import type { Format } from "../core/format.ts";
import { apt } from "./apt/index.ts";
import { composer } from "./composer/index.ts";
import { go } from "./go/index.ts";
import { npm } from "./npm/index.ts";
import { pypi } from "./pypi/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: each format has its own Route and Options, which only it reads
export const formats: Format<any, any>[] = [npm, pypi, go, composer, apt];
