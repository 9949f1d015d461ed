// The real registries, as this machine's own clients are configured to find them. No host is written here.
import { output } from "../lib/process.ts";

export interface Registries {
  npm: string;
  pypi: string;
  go: string;
  /** The checksum database's name: what stands after /sumdb/ in a proxy's paths. */
  sumdb: string;
}

const trimmed = (url: string) => url.replace(/\/+$/, "");

/** Asks npm, pip and go. Throws when one of them is absent. */
export function registries(): Registries {
  const pip = output("python3", [
    "-c",
    "from pip._internal.cli.cmdoptions import index_url; print(index_url().default)",
  ]);
  const found: Registries = {
    npm: trimmed(output("npm", ["config", "get", "registry"])),
    pypi: trimmed(output("pip", ["config", "get", "global.index-url"]) || pip),
    go: trimmed(output("go", ["env", "GOPROXY"]).split(/[,|]/)[0] ?? ""),
    sumdb: (output("go", ["env", "GOSUMDB"]).split(" ")[0] ?? "").split("+")[0] ?? "",
  };
  for (const [name, value] of Object.entries(found))
    if (!value) throw new Error(`No ${name} registry is configured on this machine`);
  return found;
}
