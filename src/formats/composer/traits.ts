// What a version says of itself for rules to go by. https://getcomposer.org/doc/04-schema.md#license
import { licenceTrait, type Traits } from "../../core/traits.ts";
import type { Version } from "./types.ts";

/** Of a list one may be chosen: `["LGPL-2.1-only", "GPL-3.0-or-later"]`. */
export function traitsOf({ license }: Version): Traits {
  const all = Array.isArray(license) ? license : [license];
  const isPlain = all.every((one): one is string => typeof one === "string" && one.trim() !== "");
  const one = (text: string) => (/\s/.test(text) ? `(${text})` : text);
  const [first] = all;
  const text = all.length === 1 ? first : all.map((it) => one(String(it))).join(" OR ");
  const licence = isPlain ? licenceTrait(text) : undefined;
  return licence === undefined ? {} : { licence };
}
