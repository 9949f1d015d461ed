// Virtual environments for the Python peers.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { workFolder } from "../lib/paths.ts";
import { run } from "../lib/process.ts";

/** Makes an environment that has the requirements, once; returns its bin folder. */
export async function environment(name: string, requirements: string[]): Promise<string> {
  const folder = workFolder("peers", name);
  const bin = join(folder, "bin");
  const marker = join(folder, `installed-${Bun.hash(requirements.join(" ")).toString(16)}`);
  if (existsSync(marker)) return bin;
  await run({ name: `install-${name}`, command: "python3", args: ["-m", "venv", folder] });
  const args = ["install", "--quiet", ...requirements];
  await run({ name: `install-${name}`, command: join(bin, "pip"), args });
  await Bun.write(marker, "");
  return bin;
}
