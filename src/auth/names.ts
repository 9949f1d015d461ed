// Names of users and teams.
import { Problem } from "../core/problem.ts";

/** What clients, URLs and configuration files can all carry. Capitals are told apart by nobody: names are kept in lower case. */
const NAME = /^[a-z0-9][a-z0-9._@+-]{0,99}$/;

/** The one spelling of a name that somebody typed. */
export function spellUser(name: string): string {
  return name.trim().toLowerCase();
}

/** Throws Problem("badRequest") for what is no name. */
export function requireName(name: string, what: "user" | "team"): string {
  const spelled = spellUser(name);
  if (!NAME.test(spelled))
    throw new Problem(
      "badRequest",
      `"${name.slice(0, 100)}" is no name for a ${what}: it has letters, digits and . _ @ + - and begins with a letter or a digit`,
    );
  return spelled;
}
