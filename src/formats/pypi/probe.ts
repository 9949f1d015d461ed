// How a package index is told from anything else that answers: by its list of projects, of which the beginning is enough. PEP 503, 691
import type { Probe } from "../../core/probe.ts";
import { normalizeName } from "./names.ts";
import type { PypiOptions } from "./options.ts";
import { lastSegment } from "./projects.ts";

const JSON_TYPE = "application/vnd.pypi.simple.v1+json";
const ANCHOR = /<a\s[^<>]*?href\s*=\s*["']?([^"'<>\s]*)["']?[^<>]*>([^<]*)<\/a>/gi;
/** Characters of a page, and links in them: what a list begins with tells. */
const BEGINNING = 16 * 1024;
const LINKS = 20;

export function probe({ simplePath }: Pick<PypiOptions, "simplePath">): Probe {
  return {
    path: simplePath,
    accept: `${JSON_TYPE}, text/html;q=0.1`,
    recognises({ status, type, start }) {
      if (status !== 200) return false;
      if (type.endsWith("json")) return /"(projects|api-version)"\s*:/.test(start);
      return /pypi:repository-version|<title>\s*simple index/i.test(start) || listsProjects(start);
    },
  };
}

/** PEP 503: the text of each anchor is a project's name, and the link leads to the folder of that name. */
function listsProjects(page: string): boolean {
  const links = [...page.slice(0, BEGINNING).matchAll(ANCHOR)]
    .map(([, href, text]) => ({ segment: lastSegment(href!), name: text!.trim() }))
    // Where a file server made the list, a link leads up, and some sort it.
    .filter(({ segment, name }) => segment !== "" && segment !== ".." && name !== "")
    .slice(0, LINKS);
  return (
    links.length > 0 &&
    links.every(
      ({ segment, name }) => normalizeName(segment) === normalizeName(name.replace(/\/$/, "")),
    )
  );
}
