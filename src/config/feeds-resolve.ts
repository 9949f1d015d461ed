// `feeds:` from what the schema accepted to what the server uses.
import { resolve as resolvePath } from "node:path";
import type { z } from "zod";
import type { FedFormat, Feeds } from "./feeds.ts";
import { nearest } from "./nearest.ts";
import { type FeedConfig, resolveUpstream, type Surroundings } from "./resolve.ts";
import { advisoryBucket } from "./upstreams.ts";

export function resolveFeeds(
  input: z.infer<typeof Feeds>,
  formats: readonly FedFormat[],
  around: Surroundings,
): FeedConfig[] {
  const known = formats.flatMap(({ advisories }) => advisories?.ecosystem ?? []);
  const names = new Set<string>();
  return input.map((feed, at) => {
    const path = ["feeds", at];
    const { complain } = around;
    const { name, form, url, directory, ecosystems, every, ...rest } = feed;
    if (names.has(name)) complain([...path, "name"], "another feed is called the same");
    if (name === "imported")
      complain([...path, "name"], "this name is taken: by what commands import");
    if (name === "seed")
      complain([...path, "name"], "this name is taken: by what this program itself knows");
    names.add(name);
    const isBucket = form === "osv" && directory === undefined;
    if (url !== undefined && directory !== undefined)
      complain([...path, "directory"], "either a URL or a directory, not both");
    if (form === "packagist" && directory !== undefined)
      complain([...path, "form"], "a directory holds records of OSV's form");
    if (form === "packagist" && url === undefined) complain(path, "needs the url that answers it");
    if (!isBucket && ecosystems)
      complain([...path, "ecosystems"], "only a bucket has a folder for each");
    for (const [index, one] of (ecosystems ?? []).entries())
      if (!known.includes(one)) {
        const near = nearest(one, known);
        complain(
          [...path, "ecosystems", index],
          `no format here is ${one} to OSV${near ? `; did you mean ${near}?` : ` (there are ${known.join(", ")})`}`,
        );
      }
    return {
      name,
      form,
      ecosystems: isBucket ? (ecosystems ?? known) : [],
      everyMs: every,
      from:
        directory !== undefined
          ? { directory: resolvePath(around.folder, directory) }
          : resolveUpstream({ ...rest, url: url ?? advisoryBucket }, path, around),
    };
  });
}
