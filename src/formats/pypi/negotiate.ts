// Which form of a page a client gets. PEP 691 "Version + Format Selection", RFC 9110 §12.5.1
import { MEDIA } from "./types.ts";

export type MediaType = (typeof MEDIA)["json" | "html" | "text"];

interface Range {
  type: string;
  q: number;
}

function ranges(accept: string): Range[] {
  return accept
    .slice(0, 4096)
    .split(",")
    .map((part) => {
      const [type = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
      const weight = parameters.find((parameter) => /^q\s*=/.test(parameter));
      const q = weight === undefined ? 1 : Number(weight.slice(weight.indexOf("=") + 1));
      return { type, q: q >= 0 && q <= 1 ? q : 0 };
    })
    .filter(({ type }) => type !== "");
}

/** 2: named, 1: by its group, 0: by the wildcard, -1: not at all. PEP 691: "latest" stands for the newest version. */
function specificity(range: string, media: string): number {
  if (range === media || range.replace(".latest+", ".v1+") === media) return 2;
  if (range === `${media.split("/")[0]}/*`) return 1;
  return range === "*/*" ? 0 : -1;
}

/** RFC 9110: the most specific range that names a type decides its weight. */
function weigh(accepted: Range[], media: MediaType): { media: MediaType; q: number; by: number } {
  let best = { media, q: 0, by: -1 };
  for (const { type, q } of accepted) {
    const by = specificity(type, media);
    if (by > best.by) best = { media, q, by };
  }
  return best;
}

/**
 * The media type to answer with, or null when the client takes none of ours (406). Without an Accept header, and for a client
 * that takes anything, it is HTML: PEP 691 wants old clients to go on working.
 */
export function negotiate(accept: string | null): MediaType | null {
  if (accept === null || accept.trim() === "") return MEDIA.text;
  const accepted = ranges(accept);
  const candidates = [MEDIA.json, MEDIA.html, MEDIA.text]
    .map((media) => weigh(accepted, media))
    .filter(({ q }) => q > 0)
    .sort((a, b) => b.q - a.q || b.by - a.by);
  const first = candidates[0];
  if (!first) return null;
  const asGood = (media: MediaType) =>
    candidates.some((it) => it.media === media && it.q === first.q);
  return first.by === 0 && asGood(MEDIA.text) ? MEDIA.text : first.media;
}
