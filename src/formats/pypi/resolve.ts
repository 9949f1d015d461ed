// Where a link of an upstream's page points, when only the page's path below the upstream's URL is known, or where redirects led to it.
import type { DocumentRef } from "../../core/document.ts";

// Deep enough for any real "../../..", and named so that no upstream's folder is taken for it.
const STEP = "holdfast-upstream-parent";
const DEPTH = 16;
/** A base is read again for each link of its page: a longer one would make a small page take seconds. Characters. */
const LONGEST_BASE = 2048;
const ROOT = `https://upstream.invalid/${`${STEP}/`.repeat(DEPTH)}`;

/** What links of a document are relative to: `page` of `resolveLocation`. */
export function pageOf({ path, foundAt }: DocumentRef): string {
  return foundAt ?? path;
}

/**
 * An absolute http(s) URL, a path with a leading "/" for the upstream's origin, or a path relative to the upstream's URL (with
 * "../" where the link leaves it). Without the fragment. Null when it is nothing that can be fetched, or its base is longer than any is.
 * `page` is the path or the absolute URL of the page that holds the link, `base` what its `<base href>` says.
 */
export function resolveLocation(
  href: string,
  page: string,
  base: string | null = null,
): string | null {
  if (base !== null && base.length > LONGEST_BASE) return null;
  const own = /^https?:/i.test(page) ? page : ROOT + page;
  const from = base === null ? own : (URL.parse(base, own)?.href ?? own);
  const url = URL.parse(href.trim(), from);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) return null;
  url.hash = "";
  if (url.hostname !== "upstream.invalid") return url.href;
  const path = url.pathname + url.search;
  const steps = path.slice(1).split("/");
  let kept = 0;
  while (kept < DEPTH && steps[kept] === STEP) kept += 1;
  return kept === 0 ? path : "../".repeat(DEPTH - kept) + steps.slice(kept).join("/");
}

/** The URL of a file that stands beside another: PEP 658 appends to the path, before any query. */
export function besides(location: string, suffix: string): string {
  const query = location.indexOf("?");
  return query < 0 ? location + suffix : location.slice(0, query) + suffix + location.slice(query);
}
