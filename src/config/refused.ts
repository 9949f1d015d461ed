// What can be said of a file that the schema refuses, beside that: names of repositories, and ports that are used twice.
import { Access, resolveAccess } from "./access.ts";
import { checkAddresses } from "./addresses.ts";
import type { Path } from "./errors.ts";
import { type Address, Listen } from "./values.ts";

type Values = Readonly<Record<string, unknown>>;

/** `listen`: of the command line, before that of the file. Parts that are wrong themselves are passed over: the schema tells of them. */
export function checkRefused(
  said: Values,
  repositories: Values,
  listen: Address | null,
  complain: (path: Path, message: string) => void,
): void {
  const entries = Object.entries(repositories).filter(([, entry]) => entry !== false);
  const names = entries.map(([name]) => name);
  const access = Access.safeParse(said["access"]);
  if (access.success) resolveAccess(access.data, [], names, complain, () => "");
  const own = listen ?? addressOf(said["listen"]) ?? { host: "", port: 0 };
  const additional = entries.map(([name, entry]) => ({
    name,
    listen: addressOf((entry as Values | null)?.["listen"]),
  }));
  for (const { name, message } of checkAddresses({ listen: own, repositories: additional }))
    complain(["repositories", name, "listen"], message);
}

function addressOf(value: unknown): Address | null {
  const parsed = Listen.safeParse(value);
  return parsed.success ? parsed.data : null;
}
