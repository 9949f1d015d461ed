// Which of its two forms of a packument a client wants. RFC 9110 §12.5.1
import { memoText } from "../../core/memo.ts";

const ABBREVIATED = "application/vnd.npm.install-v1+json";

/** The content type of the abbreviated form. */
export const abbreviatedType = ABBREVIATED;

/** True when the abbreviated form is named in Accept and not liked less than the full one. */
export function wantsAbbreviated(accept: string | null): boolean {
  return accept !== null && likesAbbreviated(accept);
}

const likesAbbreviated = memoText((accept) => {
  const qualities = parseAccept(accept);
  const abbreviated = qualities.get(ABBREVIATED) ?? 0;
  const full = qualities.get("application/json") ?? 0;
  return abbreviated > 0 && abbreviated >= full;
});

/** Media ranges in lower case with their q; a q that is no number counts as 1. */
function parseAccept(accept: string): Map<string, number> {
  const qualities = new Map<string, number>();
  for (const range of accept.toLowerCase().split(",")) {
    const [type, ...parameters] = range.split(";").map((part) => part.trim());
    const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    const quality = q === undefined ? 1 : Number.parseFloat(q);
    qualities.set(type!, Number.isNaN(quality) ? 1 : quality);
  }
  return qualities;
}
