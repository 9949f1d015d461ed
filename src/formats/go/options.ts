// The Go part of a repository's configuration.
import { z } from "zod";
import { parseVerifierKey } from "../../proof/verifier.ts";

const sumdb = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*$/)
      .describe("The database's name, as in GOSUMDB."),
    key: z.string().describe("Its verifier key: name+hash+key, as in GOSUMDB."),
    url: z
      .url()
      .optional()
      .describe("Where it is asked. Without it: under /sumdb/ of the repository's upstream."),
    direct: z
      .url()
      .optional()
      .describe(
        "The database itself, asked where the upstream says that it has no record: the upstream alone cannot have a module let in unverified. Its host belongs into the upstream's hosts.",
      ),
  })
  .refine(({ name, key }) => parseVerifierKey(key)?.name === name, {
    message: "Not an Ed25519 verifier key of that name (name+hash+key)",
    path: ["key"],
  });

export const goOptions = z.strictObject({
  sumdb: z
    .union([z.literal(false), sumdb])
    .default(false)
    .describe(
      "The checksum database that zips and go.mod files are verified against; false for none.",
    ),
  noSumdb: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "Module path patterns, as in GONOSUMDB, that the checksum database is never asked for.",
    ),
  requireSumdb: z
    .boolean()
    .default(false)
    .describe("Refuse modules that the checksum database does not know."),
});

export type GoOptions = z.infer<typeof goOptions>;
