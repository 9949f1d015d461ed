// Packages as people pack them, for tests.
import { zip } from "../../../archive/testdata/archives.ts";

export interface Wish {
  name?: string | null;
  version?: string | null;
  /** More of the composer.json. */
  more?: object;
  /** More files, by path. */
  files?: Record<string, string>;
  /** The folder that all of it stands in; none: it has none. */
  folder?: string;
}

/** A zip with a composer.json, and a class that says which release it is. */
export function archive({ name = "acme/ui", version = null, more = {}, files = {}, folder }: Wish): Buffer {
  const top = folder === undefined ? "" : `${folder}/`;
  const namespace = (name ?? "acme/ui").split("/").map((part) => part[0]!.toUpperCase() + part.slice(1));
  const manifest = {
    ...(name !== null && { name }),
    ...(version !== null && { version }),
    autoload: { "psr-4": { [`${namespace.join("\\")}\\`]: "src/" } },
    ...more,
  };
  const release = `<?php\nnamespace ${namespace.join("\\")};\nclass Release { const NAME = ${JSON.stringify(`${name} ${version}`)}; }\n`;
  const all = { "composer.json": JSON.stringify(manifest), "src/Release.php": release, ...files };
  return zip(...Object.entries(all).map(([path, text]) => ({ name: `${top}${path}`, text })));
}

/** `acme/ui 1.0 [DESCRIPTION]`: other words are other bytes; `-` for no version. */
export function archiveOf(text: string): Buffer {
  const [name = "", version = "-", ...words] = text.split(" ");
  const description = words.join(" ");
  return archive({
    name,
    version: version === "-" ? null : version,
    more: description ? { description } : {},
  });
}
