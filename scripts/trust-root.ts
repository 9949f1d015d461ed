// Takes the public Sigstore instance's trust root, and the keys of registries that it vouches for, out of the npm package @sigstore/tuf, which has
// them from Sigstore's own update framework: bun scripts/trust-root.ts <folder of the unpacked package>. It writes src/proof/roots/.
import { readFileSync, writeFileSync } from "node:fs";

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("Which folder holds the unpacked package @sigstore/tuf?");
const { version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
const seeds: Record<string, { targets: Record<string, string> }> = JSON.parse(
  readFileSync(`${folder}/seeds.json`, "utf8"),
);
const [seed] = Object.values(seeds);
const read = (ending: string) => {
  const found = Object.entries(seed!.targets).find(([name]) => name.endsWith(ending));
  if (!found) throw new Error(`The package has no ${ending}`);
  return JSON.parse(Buffer.from(found[1], "base64").toString());
};
const put = (name: string, value: unknown) =>
  writeFileSync(`src/proof/roots/${name}.json`, `${JSON.stringify(value, null, 2)}\n`);
put("sigstore", read("trusted_root.json"));
put("registry-keys", { from: `@sigstore/tuf ${version}`, ...read("keys.json") });
