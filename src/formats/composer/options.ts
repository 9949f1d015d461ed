// The format's part of the configuration.
import { z } from "zod";

const Template = z
  .string()
  .regex(
    /^https?:\/\/[^\s{}/]+(\/|$)/,
    "expected an http:// or https:// URL with a whole host name",
  );

export const options = z.strictObject({
  checkouts: z
    .boolean()
    .default(true)
    .describe(
      "Whether versions with a dist also tell where their source is. Without it, no Composer before 2.10 goes past this server to clone what was refused here",
    )
    .meta({ examples: [false] }),
  instead: z
    .array(
      z.strictObject({
        of: Template.describe("A dist's URL. `{name}` stands for any one segment of its path"),
        fetch: Template.describe("Where to fetch it, with the same names"),
      }),
    )
    .default([])
    .describe(
      "Other places to fetch dists from first: for code hosts that count what is asked of the address which repositories name",
    )
    .meta({
      examples: [
        [
          {
            of: "https://api.example.com/repos/{owner}/{name}/zipball/{commit}",
            fetch: "https://files.example.com/{owner}/{name}/zip/{commit}",
          },
        ],
      ],
    }),
});

export type ComposerOptions = z.infer<typeof options>;

/** The other place of a URL, or null when there is none. */
export function placeInstead(url: string, { instead }: ComposerOptions): string | null {
  for (const { of, fetch } of instead) {
    const values = match(of, url);
    if (values) return fetch.replace(/\{(\w+)\}/g, (_, name: string) => values.get(name) ?? "");
  }
  return null;
}

/** What the names of a template stand for in a URL; null when it is not one of them. */
function match(template: string, url: string): Map<string, string> | null {
  const expected = template.split("/");
  const found = url.split("/");
  if (expected.length !== found.length) return null;
  const values = new Map<string, string>();
  for (const [at, part] of expected.entries()) {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name !== undefined && found[at] !== "") values.set(name, found[at]!);
    else if (part !== found[at]) return null;
  }
  return values;
}
