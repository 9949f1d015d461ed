// `feeds:`, what tells which releases are bad.

import { z } from "zod";
import { Upstream } from "./upstream.ts";
import { Duration, HttpUrl, Path } from "./values.ts";

const { url: _, ...ways } = Upstream.shape;

const Feed = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]*$/, "expected lower case letters, digits, dots and dashes")
      .describe("What it is called in lists, logs and metrics")
      .meta({ examples: ["osv"] }),
    form: z
      .enum(["osv", "packagist"])
      .default("osv")
      .describe(
        "`osv`: a bucket as OSV has it, with a folder for each ecosystem. `packagist`: the answer of a Composer registry's security advisories or lists to be filtered",
      ),
    url: HttpUrl.optional()
      .describe("The bucket, or the address to ask. OSV's own without it")
      .meta({ examples: ["https://osv.example.com/"] }),
    directory: Path.optional()
      .describe(
        "In place of a URL, a folder with archives (`all.zip`) and single records (`….json`) of OSV's form, as they were carried over an air gap. It is read again when it changes, and what it lacks is gone",
      )
      .meta({ examples: ["/srv/advisories"] }),
    ecosystems: z
      .array(z.string())
      .min(1)
      .optional()
      .describe("Of the bucket, by OSV's names; all that formats here have without it")
      .meta({ examples: [["PyPI", "Go"]] }),
    every: Duration.refine((ms) => ms >= 1000, "must be 1s at least")
      .prefault("1m")
      .describe("How often it is asked what has changed")
      .meta({ examples: ["15m"] }),
    ...ways,
  })
  .meta({ id: "Feed", title: "feed" });

export const Feeds = z
  .array(Feed)
  .default([])
  .describe(
    "What tells which releases are bad: rules with `advisories` count by it, and audits are answered from it. docs/policy.md tells more",
  )
  .meta({ examples: [[{ name: "osv", ecosystems: ["PyPI", "Go"] }]] });

/** What is needed to know of a format. */
export interface FedFormat {
  readonly advisories?: { readonly ecosystem: string };
}
