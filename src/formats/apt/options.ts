// The apt part of a repository's configuration.
import { z } from "zod";
import { DURATION, parseDuration } from "../../core/duration.ts";
import type { OptionFile } from "../../core/format.ts";
import { parseSize } from "../../core/size.ts";
import { isKeyring } from "./armour.ts";

const SIZE = /^(\d+)(B|kB|MB|GB|KiB|MiB|GiB)$/;

const duration = z
  .string()
  .regex(DURATION, "expected a whole number and a unit: 30m, 6h, 1d")
  .transform(parseDuration)
  .refine((ms) => ms >= 60_000, "must be 1m or longer")
  .meta({ title: "duration" });

const size = z
  .string()
  .regex(SIZE, "expected a whole number and a unit: 512KiB, 10MiB, 2MB")
  .transform(parseSize)
  .refine((bytes) => bytes > 0, "must be more than 0B")
  .meta({ title: "size" });

const patterns = z.array(z.string().regex(/^\S+$/, "expected a pattern without spaces"));

const suites = z.array(
  z
    .string()
    .regex(
      /^(\.?\/|[A-Za-z0-9~][A-Za-z0-9._~+-]*(\/[A-Za-z0-9~][A-Za-z0-9._~+-]*)*\/?)$/,
      "expected a suite as in a client's sources, like bookworm or ./",
    ),
);

const mirror = z.strictObject({
  suites: suites
    .min(1)
    .describe(
      "Suites, as in a client's sources. One with a slash at its end is the folder of a flat repository, `./` the root itself.",
    )
    .meta({ examples: [["bookworm", "bookworm-updates"]] }),
  components: z
    .array(z.string().min(1))
    .default([])
    .describe("Components. None: all that the suite has.")
    .meta({ examples: [["main", "contrib"]] }),
  architectures: z
    .array(z.string().regex(/^[a-z0-9-]+$/))
    .default([])
    .describe("Architectures, without `all`, which belongs to each. None: all that the suite has.")
    .meta({ examples: [["amd64", "arm64"]] }),
  sources: z.boolean().default(false).describe("Source packages as well."),
  connections: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(20)
    .describe("Most files fetched at the same time."),
  every: duration
    .optional()
    .describe("How often the server mirrors by itself. Without it: only `holdfast mirror run`.")
    .meta({ examples: ["6h"] }),
  limitRate: size
    .optional()
    .describe("Most bytes fetched in a second, all connections together.")
    .meta({ examples: ["10MiB"] }),
  filter: z
    .strictObject({
      packages: patterns.default([]).describe("Only packages of these names. `*` is any text."),
      notPackages: patterns.default([]).describe("No packages of these names."),
      sections: patterns.default([]).describe("Only these sections."),
      notSections: patterns.default([]).describe("None of these sections."),
    })
    .optional()
    .describe(
      "Which packages; indices are mirrored whole. What is left out is still fetched when a client asks.",
    ),
});

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9.+_-]*$/, "expected letters, digits, dots, dashes and underscores");

const hosted = z.strictObject({
  suites: z
    .array(name)
    .min(1)
    .describe("Suites that packages are published in, as in a client's sources")
    .meta({ examples: [["stable", "testing"]] }),
  components: z
    .array(name)
    .min(1)
    .default(["main"])
    .describe("Their components. The first one is that of packages of which nothing else is said"),
  architectures: z
    .array(z.string().regex(/^(?!all$|source$)[a-z0-9][a-z0-9-]*$/, "expected one like amd64"))
    .min(1)
    .default(["amd64"])
    .describe("Architectures, without `all`, which belongs to each")
    .meta({ examples: [["amd64", "arm64"]] }),
  origin: z
    .string()
    .regex(/^\S.*$/)
    .optional()
    .describe("What clients know the suites by, for pins. Without it: the repository's name"),
  label: z
    .string()
    .regex(/^\S.*$/)
    .optional()
    .describe("The same. Without it: the origin"),
  keep: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      "How many versions of a package a suite has, for each architecture; older ones leave it. Without it: all",
    )
    .meta({ examples: [5] }),
  grace: duration
    .default(60 * 60_000)
    .describe(
      "How long what left a suite can still be fetched, for clients that have older lists: indices by their hash, and packages",
    )
    .meta({ examples: ["1d"] }),
  validFor: duration
    .optional()
    .describe(
      "How long a release is valid: it is made anew when half of that is over. Without it: for ever",
    )
    .meta({ examples: ["7d"] }),
  key: z
    .enum(["ed25519", "rsa4096"])
    .default("ed25519")
    .describe("Of which kind the key is that signs, when one is made"),
  contents: z
    .boolean()
    .default(true)
    .describe("Whether there are Contents, which `apt-file` reads: of up to half a million files"),
  notAutomatic: z
    .boolean()
    .default(false)
    .describe("Whether clients take packages of these suites only when they are asked to"),
});

/** What the configuration read from the path or the paths that the file has (`Format.fileOptions`). */
const keyring = z
  .custom<OptionFile | OptionFile[]>()
  .transform((value): OptionFile[] => (Array.isArray(value) ? value : [value]))
  .superRefine((files, context) => {
    for (const [at, { path, bytes }] of files.entries())
      if (!isKeyring(bytes))
        context.addIssue({
          code: "custom",
          path: files.length > 1 ? [at] : [],
          message: `${path} holds no OpenPGP public key`,
        });
  });

export const aptOptions = z
  .strictObject({
    hosted: hosted
      .optional()
      .describe(
        "Makes a repository of packages that are published here, which the server signs itself.",
      ),
    uploaders: keyring
      .optional()
      .describe(
        "File with the OpenPGP keys, or a list of such files, of which one must have signed each `.changes` that comes with `dput`. Without it a token that may publish is enough.",
      )
      .meta({ examples: ["uploaders.asc"] }),
    keyring: keyring
      .optional()
      .describe(
        "File with the OpenPGP keys, armoured or not, of which one must have signed each release; or a list of such files.",
      )
      .meta({ examples: ["vendor.asc"] }),
    unverified: z
      .boolean()
      .default(false)
      .describe(
        "Serves a repository without a keyring: nobody's signature is checked. Hashes are.",
      ),
    onChange: z
      .enum(["refuse", "accept"])
      .default("refuse")
      .describe(
        "What happens when a signed release shows other bytes for a package of the same name and version: it is refused until `holdfast apt accept`, or taken.",
      ),
    validUntil: z
      .enum(["check", "ignore"])
      .default("check")
      .describe(
        "What a release's Valid-Until counts for. `check`: as in apt, one that is past it is not taken, neither as the first nor in place of one that is not. `ignore`: it is, as from archives whose clients set `Acquire::Check-Valid-Until` to false. What is in service is served on in either case.",
      ),
    suites: suites
      .default([])
      .describe(
        "Suites that `holdfast setup apt` names, where `mirror` names none. Clients may use any.",
      )
      .meta({ examples: [["bookworm", "bookworm-updates"]] }),
    generations: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe(
        "How many releases of a suite before the newest are remembered, for clients in the middle of an update.",
      ),
    mirror: mirror
      .optional()
      .describe(
        "Fetches ahead what clients may ask for. The rest is fetched when it is asked for.",
      ),
  })
  .superRefine(({ keyring, unverified, hosted, mirror, uploaders }, context) => {
    if (uploaders !== undefined && hosted === undefined)
      context.addIssue({
        code: "custom",
        path: ["uploaders"],
        message: "needs `hosted:` beside it, with the suites that they upload to",
      });
    if (hosted !== undefined) {
      for (const [key, given] of Object.entries({
        keyring,
        mirror,
        unverified: unverified || undefined,
      }))
        if (given !== undefined)
          context.addIssue({
            code: "custom",
            path: [key],
            message:
              "makes no sense beside `hosted`: what is published here is signed here, and comes from no upstream",
          });
      return;
    }
    if (keyring === undefined && !unverified)
      context.addIssue({
        code: "custom",
        message:
          "needs `keyring: FILE` with the keys that sign it, or `unverified: true` when nobody's signature is to be checked",
      });
    if (keyring !== undefined && unverified)
      context.addIssue({
        code: "custom",
        path: ["unverified"],
        message: "either keyring or unverified: true, not both",
      });
  });

export type AptOptions = z.infer<typeof aptOptions>;
export type HostedSuites = NonNullable<AptOptions["hosted"]>;
export type MirrorOptions = NonNullable<AptOptions["mirror"]>;
