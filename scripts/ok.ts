// The one gate before a commit: format and lint, types, generated files, tests. Stops at the first that fails.
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const bin = (name: string) => join(ROOT, "node_modules", ".bin", name);

const steps: [name: string, command: string[]][] = [
  ["format and lint", [bin("biome"), "check"]],
  ["types", [bin("tsc"), "-p", "."]],
  ["generated files", [bin("bun"), "scripts/docs.ts", "--check"]],
  ["tests", [bin("bun"), "test/run.ts", ...process.argv.slice(2)]],
];

for (const [name, command] of steps) {
  console.log(`— ${name}`);
  const { exitCode } = Bun.spawnSync(command, {
    cwd: ROOT,
    stdio: ["inherit", "inherit", "inherit"],
  });
  if (exitCode !== 0) {
    console.error(`— ${name}: failed`);
    process.exit(1);
  }
}
console.log("— everything is fine");
