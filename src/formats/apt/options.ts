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
  .superRefine(({ keyring, unverified }, context) => {
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
export type MirrorOptions = NonNullable<AptOptions["mirror"]>;
