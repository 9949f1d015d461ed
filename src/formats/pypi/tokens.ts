// A small HTML tokenizer, in linear time, that recovers as browsers do: enough for index pages. https://html.spec.whatwg.org/#tokenization
import { Problem } from "../../core/problem.ts";

export type Token =
  | { kind: "start"; name: string; attributes: Map<string, string> }
  | { kind: "end"; name: string }
  | { kind: "text"; text: string };

const TAG = /<(\/?)([a-zA-Z][a-zA-Z0-9:-]*)/y;
/** Stray quotes, "<" and "=" belong to a name or a value that is not quoted, wherever they stand. */
const ATTRIBUTE = /[\s/]*(=?[^\s>/=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>][^\s>]*)|(?=>)))?/y;
const TAG_END = /[\s/]*>/y;
const EMPTY_COMMENT = /<!--(?:-?>)/y;
const COMMENT_END = /--!?>/g;
/** A declaration, a processing instruction, an end tag without a name. */
const BOGUS_COMMENT = /<(?:[!?]|\/[^a-zA-Z])/y;

// Their content is no markup, or none of the page's.
const RAW = new Set([
  "script",
  "style",
  "textarea",
  "title",
  "xmp",
  "iframe",
  "noembed",
  "noframes",
]);

const ENTITIES: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
};

function character(code: number): string {
  const isScalar = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isScalar ? String.fromCodePoint(code) : "\ufffd";
}

/** Character references as text; those that index pages do not use stay as they are. */
export function unescapeHtml(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(
    /&(?:#(\d{1,7});?|#[xX]([0-9a-fA-F]{1,6});?|([a-z]{2,4});)/g,
    (whole, decimal?: string, hexadecimal?: string, name?: string) => {
      if (decimal !== undefined) return character(Number(decimal));
      if (hexadecimal !== undefined) return character(Number.parseInt(hexadecimal, 16));
      return name !== undefined && Object.hasOwn(ENTITIES, name) ? ENTITIES[name]! : whole;
    },
  );
}

const broken = () => new Problem("malformed", "The page is not well-formed HTML");

function after(html: string, mark: string, from: number): number {
  const at = html.indexOf(mark, from);
  if (at < 0) throw broken();
  return at + mark.length;
}

function commentEnd(html: string, from: number): number {
  COMMENT_END.lastIndex = from;
  const end = COMMENT_END.exec(html);
  if (!end) throw broken();
  return end.index + end[0].length;
}

function matchAt(pattern: RegExp, html: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(html);
}

function attributesAt(html: string, from: number): { attributes: Map<string, string>; at: number } {
  const attributes = new Map<string, string>();
  let at = from;
  while (true) {
    const end = matchAt(TAG_END, html, at);
    if (end) return { attributes, at: at + end[0].length };
    const match = matchAt(ATTRIBUTE, html, at);
    if (!match?.[1]) throw broken(); // the page ends here
    const name = match[1].toLowerCase();
    const value = match[2] ?? match[3] ?? match[4] ?? "";
    // The first one of a name counts, as in a browser.
    if (!attributes.has(name)) attributes.set(name, unescapeHtml(value));
    at += match[0].length;
  }
}

/**
 * The tags and texts of a page in order. Throws Problem("malformed") where it ends in the middle of a tag or a comment: a browser would drop
 * that, but here it is a page that was cut, whose other files must not be taken for gone.
 */
export function* tokens(html: string): Generator<Token> {
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf("<", at);
    if (open !== at) {
      const end = open < 0 ? html.length : open;
      yield { kind: "text", text: unescapeHtml(html.slice(at, end)) };
      at = end;
      continue;
    }
    if (html.startsWith("<!--", at)) {
      const short = matchAt(EMPTY_COMMENT, html, at);
      at = short ? at + short[0].length : commentEnd(html, at + 4);
      continue;
    }
    if (matchAt(BOGUS_COMMENT, html, at)) {
      at = after(html, ">", at + 2);
      continue;
    }
    const tag = matchAt(TAG, html, at);
    if (!tag) {
      yield { kind: "text", text: "<" };
      at += 1;
      continue;
    }
    const name = tag[2]!.toLowerCase();
    const { attributes, at: end } = attributesAt(html, at + tag[0].length);
    at = end;
    if (tag[1]) {
      yield { kind: "end", name };
      continue;
    }
    yield { kind: "start", name, attributes };
    if (!RAW.has(name)) continue;
    const close = new RegExp(`</${name}(?=[\\s/>])[^>]*>`, "gi");
    close.lastIndex = at;
    const closed = close.exec(html);
    if (name === "title") yield { kind: "text", text: unescapeHtml(html.slice(at, closed?.index)) };
    yield { kind: "end", name };
    at = closed ? closed.index + closed[0].length : html.length;
  }
}
