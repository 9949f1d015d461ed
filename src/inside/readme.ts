// A readme as HTML that is safe in a page of ours, whatever stands in it: what is not on the list is not there. Nothing is fetched for it from anywhere.
import { Marked } from "marked";
import sanitize from "sanitize-html";
import { escapeHtml } from "../core/html.ts";

/** Another one when anything in this room changes, or in the tasks that call it: what was found before is looked for again. */
export const INSIDE_READER = 2;

/** Of text as much is rendered. Characters. */
const LONGEST = 1_000_000;
/** Elements; what has more is shown as it is written. */
const ELEMENTS = 20_000;
/** Before each id, so that none is one of ours. */
const OWN = "readme-";

const marked = new Marked({ gfm: true, async: false });

export type ReadmeKind = "markdown" | "plain";

/** By the name of its file. */
export function kindOf(path: string): ReadmeKind {
  return /\.(md|markdown)$/i.test(path) ? "markdown" : "plain";
}

/** Null where there is nothing to read. Pure, and never throws: what cannot be rendered is shown as text. */
export function renderReadme(text: string, kind: ReadmeKind): string | null {
  const short = text.slice(0, LONGEST);
  if (short.trim() === "") return null;
  if (kind === "plain") return plain(short);
  try {
    const html = marked.parse(short) as string;
    if ((html.match(/<[a-z]/gi)?.length ?? 0) > ELEMENTS) return plain(short);
    return sanitize(html, ALLOWED);
  } catch {
    return plain(short);
  }
}

function plain(text: string): string {
  return `<pre>${escapeHtml(text)}</pre>`;
}

const ALLOWED: sanitize.IOptions = {
  allowedTags: [
    ...[
      "h1",
      "h2",
      "h3",
      "h4",
      "h5",
      "h6",
      "p",
      "div",
      "span",
      "br",
      "hr",
      "blockquote",
      "pre",
      "code",
    ],
    ...[
      "ul",
      "ol",
      "li",
      "dl",
      "dt",
      "dd",
      "a",
      "b",
      "strong",
      "i",
      "em",
      "s",
      "del",
      "ins",
      "sub",
      "sup",
      "kbd",
      "samp",
      "var",
    ],
    ...[
      "table",
      "thead",
      "tbody",
      "tfoot",
      "tr",
      "th",
      "td",
      "details",
      "summary",
      "abbr",
      "small",
      "mark",
      "img",
      "input",
    ],
  ],
  allowedAttributes: {
    a: ["href", "id", "rel"],
    ol: ["start"],
    th: ["align"],
    td: ["align"],
    details: ["open"],
    "*": ["id"],
  },
  allowedSchemes: ["http", "https", "mailto"],
  allowProtocolRelative: false,
  disallowedTagsMode: "discard",
  nestingLimit: 60,
  transformTags: {
    // Headings of the page come first: those of a readme stand below them.
    h1: "h3",
    h2: "h3",
    h3: "h4",
    h4: "h5",
    h5: "h6",
    a(_, { href, id, name }) {
      const own = id ?? name;
      const isWithin = href?.startsWith("#");
      const isAway = href !== undefined && /^(https?:\/\/|mailto:)/i.test(href);
      return {
        tagName: "a",
        attribs: {
          ...(own && { id: OWN + own }),
          ...(isWithin && { href: `#${OWN}${href!.slice(1)}` }),
          ...(isAway && { href: href!, rel: "nofollow noopener noreferrer" }),
        },
      };
    },
    // What it shows is elsewhere: its words stay.
    img: (_, { alt }) => ({ tagName: "span", attribs: {}, text: alt ? `[${alt}]` : "" }),
    input: (_, { type, checked }) => ({
      tagName: "span",
      attribs: {},
      text: type === "checkbox" ? (checked === undefined ? "☐" : "☑") : "",
    }),
    "*": (tagName, attribs) => ({
      tagName,
      attribs:
        attribs["id"] && !attribs["id"].startsWith(OWN)
          ? { ...attribs, id: OWN + attribs["id"] }
          : attribs,
    }),
  },
};
