// Builds Go peers. Through a module of its own, since `go install` asks for lists that not every module proxy gives.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { workFolder } from "../lib/paths.ts";
import { run } from "../lib/process.ts";

/** Builds one command, once; returns its path. */
export async function buildGo(
  name: string,
  module: string,
  version: string,
  command: string,
): Promise<string> {
  const folder = workFolder("peers", "go", name);
  const binary = join(folder, `${name}-${version}`);
  if (existsSync(binary)) return binary;
  writeFileSync(
    join(folder, "go.mod"),
    `module bench.example.test/${name}\n\ngo 1.26\n\nrequire ${module} ${version}\n`,
  );
  const args = ["build", "-mod=mod", "-o", binary, `${module}/${command}`];
  await run({ name: `install-${name}`, command: "go", args, cwd: folder }, 1200);
  return binary;
}
