// `login:` and `trustedPublishers:` as they are shown: in the words of the file, with defaults, and files by their whole paths.
import { resolve as resolvePath } from "node:path";
import type { z } from "zod";
import type { Login, TrustedPublishers } from "./login.ts";
import type { PublisherConfig } from "./login-resolve.ts";
import { formatDuration } from "./values.ts";

/** Without what is not set. No secret is in it, since none stands in the file. */
export function writtenLogin(
  { oidc, ldap }: z.infer<typeof Login>,
  folder: string,
): Record<string, Record<string, unknown>> {
  return {
    ...(oidc && { oidc: wholePaths(oidc, folder) }),
    ...(ldap && { ldap: wholePaths({ ...ldap, timeout: formatDuration(ldap.timeout) }, folder) }),
  };
}

/** With the audiences that `publicUrl` makes. */
export function writtenPublishers(
  inputs: z.infer<typeof TrustedPublishers>,
  publishers: readonly PublisherConfig[],
  folder: string,
): object[] {
  return inputs.map((input, at) => ({
    ...wholePaths(input, folder),
    audiences: publishers[at]!.audiences,
  }));
}

function wholePaths(values: object, folder: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      /^ca$|File$/.test(key) && typeof value === "string" ? resolvePath(folder, value) : value,
    ]),
  );
}
