// What an operator can set for a repository of this format.
import { z } from "zod";

export const PypiOptions = z.strictObject({
  simplePath: z
    .string()
    .regex(
      /^(?:(?!\.{1,2}\/)[A-Za-z0-9._~+-]+\/)*$/,
      "Expected a relative path that ends in a slash, or nothing",
    )
    .default("simple/")
    .describe(
      "Where the project pages lie below the upstream's url; empty when the url itself ends in /simple/ or /+simple/",
    ),
});

export type PypiOptions = z.infer<typeof PypiOptions>;
