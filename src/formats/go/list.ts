// @v/list: the tagged versions of a module, one a line. https://go.dev/ref/mod#goproxy-protocol
import type { DocumentRef, DocumentType, Overlay } from "../../core/document.ts";
import { withholdingOf } from "../../core/policy.ts";
import { Problem } from "../../core/problem.ts";
import { modulePath } from "./names.ts";
import { canonical, isPseudo } from "./version.ts";

const VERSION_LIKE = /^v\d[0-9A-Za-z.+-]*$/;

export function listRef(module: string): DocumentRef {
  return { kind: "list", key: module, package: module, path: modulePath(module, "@v/list") };
}

/** The file whose disappearance from the list means that a version is gone. */
export function zipFile(version: string): string {
  return `${version}.zip`;
}

/** Throws Problem("malformed") for anything but versions, such as a login page. Versions that no client can use are left out. */
export function parseList(text: string, module: string): string[] {
  const versions = new Set<string>();
  for (const line of text.split("\n")) {
    // Some proxies write the commit time after the version, and the go command takes it.
    const [version] = line.trim().split(/\s+/, 1);
    if (!version) continue;
    if (!VERSION_LIKE.test(version))
      throw new Problem("malformed", `The upstream's version list of ${module} is not one`);
    // "Pseudo-versions should not be included" in the list, says the protocol.
    if (canonical(version) === version && !isPseudo(version)) versions.add(version);
  }
  return [...versions];
}

function isGone(overlay: Overlay, version: string): boolean {
  return overlay[zipFile(version)]?.state === "gone";
}

export const listDocument: DocumentType = {
  complete: true,
  limit: 16 * 2 ** 20,
  async facts(source, ref) {
    return parseList(await source.text(), ref.key).map((version) => ({
      file: zipFile(version),
      version,
      integrity: null,
    }));
  },
  compose: ({ releases }) => {
    const versions = releases.filter(({ version, files }) =>
      files.some(({ file }) => file === zipFile(version)),
    );
    return versions.map(({ version }) => `${version}\n`).join("");
  },
  async *render({ source, ref, overlay, withheld }) {
    const versions = parseList(await source.text(), ref.key);
    for (const version of versions)
      if (!isGone(overlay, version) && !withholdingOf(withheld, zipFile(version)))
        yield `${version}\n`;
  },
};
