// A bucket that a command line names, in the words of `store:`.
import { resolve } from "node:path";
import type { z } from "zod";
import { Problem } from "../core/problem.ts";
import { readPem, readSecret } from "./resolve.ts";
import { resolveStore, type StoreConfig, WithUrl } from "./store.ts";

/** With its key in the environment where no file is named; files are relative to `folder`. Throws Problem("badRequest"). */
export function storeAt(
  given: z.input<typeof WithUrl>,
  { env, folder }: { env: Readonly<Record<string, string | undefined>>; folder: string },
): StoreConfig {
  const complain = (at: readonly (string | number)[], message: string) => {
    const [name] = at.slice(-1);
    throw new Problem("badRequest", name === "store" ? message : `${name}: ${message}`);
  };
  const { data, error } = WithUrl.safeParse(given);
  if (!data) {
    const [issue] = error.issues;
    const at = issue!.path[0] === "url" ? ["store"] : issue!.path.map(String);
    return complain(at, issue!.message);
  }
  const around = { folder, env, complain };
  return resolveStore(
    data,
    {
      secret: (values, name, path) => readSecret(values, name, path, around),
      pem: (file, path) => readPem(file, path, around),
      env: (name) => env[name],
      path: (file) => resolve(folder, file),
    },
    complain,
  )!;
}
