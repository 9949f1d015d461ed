import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { behind } from "../../scripts/docs.ts";
import { ConfigError } from "../config/errors.ts";
import { loadConfig } from "../config/load.ts";
import { formats } from "../formats/index.ts";

test("what is generated from the schema is up to date (npm run docs)", () =>
  expect(behind()).toEqual([]));

for (const page of ["README.md", "docs/configuration.md", "docs/operation.md", "docs/hooks.md"])
  test(`the configuration that ${page} shows is right`, () => {
    const text = readFileSync(join(import.meta.dir, "../..", page), "utf8");
    const examples = [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, yaml]) => yaml!);
    expect(examples).not.toEqual([]);
    for (const yaml of examples) {
      // Secrets and keys are not on this machine; everything else must be as the schema has it.
      expect(
        mistakes(yaml).filter(
          (message) => !/\/run\/secrets\/|cannot read .*\.(asc|pem|key):/.test(message),
        ),
      ).toEqual([]);
    }
  });

test("each format of this server has a built-in repository, and takes its options", () => {
  const { repositories } = loadConfig({ formats, flags: {}, env: {} });
  const served = new Set(repositories.map(({ format }) => format));
  expect([...served].sort()).toEqual(formats.map(({ name }) => name).sort());
});

function mistakes(yaml: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-docs-"));
  const file = join(folder, "holdfast.yaml");
  writeFileSync(file, yaml);
  try {
    loadConfig({ file, formats, flags: {}, env: {} });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.errors.map(({ path, message }) => `${path} ${message}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
