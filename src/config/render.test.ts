import { expect, test } from "bun:test";
import { z } from "zod";
import { renderDocs, renderJsonSchema } from "./render.ts";

const formats = [
  { name: "npm", options: z.strictObject({}) },
  {
    name: "other",
    options: z
      .strictObject({
        depth: z.enum(["one", "all"]).default("one").describe("How far | how deep"),
        sums: z
          .union([z.literal(false), z.strictObject({ key: z.string().describe("Its key") })])
          .optional()
          .describe("The database"),
        keys: z
          .union([z.custom<object>(), z.array(z.custom<object>())])
          .describe("Whose signatures count")
          .meta({ examples: ["vendor.asc"] })
          .optional(),
        seal: z.custom<object>((value) => value !== undefined).describe("The seal"),
      })
      .prefault({ seal: {} }),
    fileOptions: ["keys", "seal"],
  },
];

test("a format's own options get a table, mappings with their keys", () => {
  const section = renderDocs(formats).split("### other\n\n")[1];
  expect(section).toBe(
    `| key        | type                 | default | meaning                | example      |
|------------|----------------------|---------|------------------------|--------------|
| \`depth\`    | \`one\`, \`all\`         | \`one\`   | How far \\| how deep    |              |
| \`sums\`     | \`false\` or mapping   |         | The database           |              |
| \`sums.key\` | text                 | needed  | Its key                |              |
| \`keys\`     | path or list of path |         | Whose signatures count | \`vendor.asc\` |
| \`seal\`     | path or list of path | needed  | The seal               |              |
`,
  );
});

test("every key of the schema stands in the page with a meaning", () => {
  const rows = renderDocs(formats)
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const cells = rows.map((row) => row.split(" | ").map((cell) => cell.trim()));
  const keys = cells.map(([key]) => key!.replace("| ", ""));
  for (const key of ["listen", "cache.memory", "claims", "tokenFile", "maxRate", "sums.key"])
    expect(keys).toContain(`\`${key}\``);
  for (const row of cells.filter((row) => row.length === 5)) expect(row[3]).not.toBe("");
});

test("tables are as wide in each of their rows", () => {
  for (const table of renderDocs(formats)
    .split("\n\n")
    .filter((part) => part.startsWith("| "))) {
    const widths = new Set(
      table
        .trimEnd()
        .split("\n")
        .map((line) => line.length),
    );
    expect(widths.size).toBe(1);
  }
});

test("the JSON Schema knows names, formats and that a built-in repository may be switched off", () => {
  const schema = JSON.parse(renderJsonSchema(formats));
  const { npm } = schema.properties.repositories.properties;
  expect(npm.anyOf[0]).toEqual({ type: "boolean", const: false });
  expect(npm.anyOf[1].required).toBeUndefined();
  const named = schema.properties.repositories.additionalProperties.oneOf;
  expect(named.map((one: { properties: { format: unknown } }) => one.properties.format)).toEqual([
    expect.objectContaining({ const: "npm" }),
    expect.objectContaining({ const: "other" }),
  ]);
  expect(named[1].properties.depth).toMatchObject({ default: "one", enum: ["one", "all"] });
  expect(named[1].properties.keys).toEqual({
    anyOf: [
      expect.objectContaining({ type: "string", minLength: 1 }),
      expect.objectContaining({ type: "array", minItems: 1 }),
    ],
    description: "Whose signatures count",
    examples: ["vendor.asc"],
  });
  expect(named[1].required).toContain("seal");
  expect(schema.properties.repositories.propertyNames.pattern).toBe("^[a-z0-9][a-z0-9._-]*$");
});

test("no address of a public registry leaves its one file", async () => {
  const { builtInRepositories } = await import("./upstreams.ts");
  const text = renderDocs(formats) + renderJsonSchema(formats);
  for (const { upstreams } of Object.values(builtInRepositories))
    for (const { url, hosts } of upstreams)
      for (const host of [new URL(url).host, ...(hosts ?? [])]) expect(text).not.toContain(host);
});
