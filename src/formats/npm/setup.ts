// What each client of an npm registry needs to be told.
import type { Snippet } from "../../core/format.ts";

/** `url` is the repository's public URL, without a trailing slash. */
export function setupSnippets(url: string): Snippet[] {
  const plain = url.startsWith("http://");
  const berry = [`npmRegistryServer: "${url}"`];
  // Yarn 2 and later refuse plain HTTP for hosts that are not listed.
  if (plain) berry.push("unsafeHttpWhitelist:", `  - "${new URL(url).hostname}"`);
  return [
    { client: "npm", file: "~/.npmrc", text: `registry=${url}/\n` },
    { client: "pnpm", file: "~/.npmrc", text: `registry=${url}/\n` },
    { client: "yarn", file: "~/.yarnrc", text: `registry "${url}/"\n` },
    { client: "yarn-berry", file: "~/.yarnrc.yml", text: `${berry.join("\n")}\n` },
    { client: "bun", file: "~/.bunfig.toml", text: `[install]\nregistry = "${url}/"\n` },
  ];
}
