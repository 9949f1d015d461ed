// HTML that is safe by its type: what is put into a template is escaped, unless it is HTML already.
import { escapeHtml } from "../../core/html.ts";

/** Made by `html` or `raw` alone. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

export type Part = Html | string | number | null | undefined | false | readonly Part[];

/** html`<p>${text}</p>`: text is escaped, HTML and lists of it stay, null, undefined and false are nothing. Values of attributes stand between double quotes. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let whole = texts[0]!;
  for (const [at, part] of parts.entries()) whole += textOf(part) + texts[at + 1]!;
  return new Html(whole);
}

/** For text that is HTML by its making, and holds nothing that came from elsewhere unescaped. */
export function raw(text: string): Html {
  return new Html(text);
}

/** Several, one after the other. */
export function join(parts: readonly Part[], between: Part = ""): Html {
  return new Html(parts.map(textOf).join(textOf(between)));
}

function textOf(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === "string") return escapeHtml(part);
  if (typeof part === "number") return String(part);
  if (Array.isArray(part)) return part.map(textOf).join("");
  return "";
}
