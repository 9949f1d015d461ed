// What an operator can set for a repository of this format.
import { z } from "zod";
import { trustRootOption } from "../../proof/trust-option.ts";

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
  projects: z
    .enum(["upstream", "stored"])
    .default("upstream")
    .describe(
      "What /simple/ lists: `upstream`, all projects of the upstream (of the public index, 40 MB), or `stored`, those that were asked for here. Installers read neither",
    ),
  trustRoot: trustRootOption,
});

export type PypiOptions = z.infer<typeof PypiOptions>;
