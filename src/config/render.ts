// What the schema says of itself: docs/configuration.md for people, holdfast.schema.json for editors.
import { z } from "zod";
import { commonKeys, configSchema, type FormatOptions, hostedKeys, optionKeys } from "./schema.ts";
import { sourcesKeys } from "./sources.ts";
import { builtInRepositories } from "./upstreams.ts";

/** The part of JSON Schema that our schemas become. */
interface Json {
  $ref?: string;
  $defs?: Record<string, Json>;
  title?: string;
  type?: string;
  description?: string;
  default?: unknown;
  examples?: unknown[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Json[];
  items?: Json;
  properties?: Record<string, Json>;
  required?: string[];
  propertyNames?: Json;
}

/** For editors: `# yaml-language-server: $schema=holdfast.schema.json`. */
export function renderJsonSchema(formats: readonly FormatOptions[]): string {
  const schema = toJson(configSchema(formats));
  const repositories = schema.properties!["repositories"]!;
  repositories.propertyNames = { pattern: "^[a-z0-9][a-z0-9._-]*$" } as Json;
  return `${JSON.stringify({ title: "Holdfast configuration", ...schema }, null, 2)}\n`;
}

export function renderDocs(formats: readonly FormatOptions[]): string {
  const whole = toJson(configSchema(formats));
  const { repositories: _, ...server } = whole.properties!;
  const format: Json = {
    type: "string",
    enum: formats.map(({ name }) => name),
    description: "Which ecosystem's protocol it speaks. The built-in ones have theirs",
    examples: [formats[0]!.name],
  };
  const builtIn = Object.entries(builtInRepositories).filter(([, { format }]) =>
    formats.some(({ name }) => name === format),
  );
  const fromCode = formats.filter((one) => one.fromCode);
  return [
    INTRODUCTION,
    "## The server",
    table({ properties: server }),
    REPOSITORIES,
    columns(
      ["name", "format", "what a client sets"],
      builtIn.map(([name, { format }]) => [
        code(name),
        code(format),
        code(`holdfast setup --repository ${name}`),
      ]),
    ),
    "### Keys of every repository",
    table({
      properties: { format, ...toJson(z.object(commonKeys)).properties },
      required: ["format"],
    }),
    "### Keys of repositories that packages are published in",
    `Of the formats ${formats
      .filter(({ hosts }) => hosts)
      .map(({ name }) => name)
      .join(", ")}. docs/publishing.md tells more.`,
    table(toJson(z.object(hostedKeys))),
    ...(fromCode.length > 0
      ? [
          "### Keys of repositories whose packages are made from code",
          `Of the formats ${fromCode.map(({ name }) => name).join(", ")}. docs/publishing.md tells more.`,
          table(toJson(z.object(sourcesKeys))),
        ]
      : []),
    "## Upstreams",
    "An entry of `upstreams`. Only `url` is needed.",
    table(whole.$defs!["Upstream"]!),
    SECRETS,
    "### Repositories as upstreams",
    "An entry of `upstreams` may also be another repository of the file. docs/publishing.md tells more.",
    table(whole.$defs!["Base"]!),
    ...(fromCode.length > 0
      ? ["## Sources", "An entry of `sources`.", table(whole.$defs!["Source"]!)]
      : []),
    "## Feeds",
    "An entry of `feeds`. docs/policy.md tells more.",
    table(whole.$defs!["Feed"]!),
    "## Trusted publishers",
    "An entry of `trustedPublishers`. docs/access.md tells more.",
    table(whole.$defs!["Publisher"]!),
    "## Hooks",
    "An entry of `hooks`. docs/hooks.md tells more.",
    table(whole.$defs!["Hook"]!),
    "## Witnesses",
    "An entry of `ledger.witnesses`. docs/log.md tells more.",
    table(whole.$defs!["Witness"]!),
    "## Options of each format",
    "They stand in the repository, beside the keys above.",
    ...formats.flatMap((format) => [`### ${format.name}`, options(format)]),
  ]
    .join("\n\n")
    .concat("\n");
}

function options(format: FormatOptions): string {
  const keys = optionKeys(format);
  if (Object.keys(keys).length === 0) return "None.";
  return table(toJson(z.object(keys)));
}

function toJson(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, {
    io: "input",
    // Zod leaves out the examples of what it transforms; ours are as the file has them.
    override({ zodSchema, jsonSchema }) {
      const { examples } = (zodSchema as unknown as z.ZodType).meta() ?? {};
      if (Array.isArray(examples)) jsonSchema.examples = examples;
    },
  }) as Json;
}

/** One row for each key; the keys of a mapping follow it as `outer.inner`. */
function table(schema: Json): string {
  return columns(["key", "type", "default", "meaning", "example"], rows(schema, ""));
}

function rows(schema: Json, prefix: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const name = prefix + key;
    const inner = [value, ...(value.anyOf ?? [])].find(({ properties }) => properties);
    // A mapping whose keys all have defaults is told by them alone.
    const only = inner && inner === value && !inner.required;
    const needed = schema.required?.includes(key);
    const fallback = needed ? "needed" : value.default === undefined ? "" : yaml(value.default);
    const example = value.examples?.[0] === undefined ? "" : yaml(value.examples[0]);
    const own = [
      code(name),
      typeName(value),
      fallback,
      (value.description ?? "").replace(/\.$/, ""),
      example,
    ];
    return [...(only ? [] : [own]), ...(inner ? rows(inner, `${name}.`) : [])];
  });
}

function typeName(schema: Json): string {
  if (schema.$ref === "#/$defs/Base" || schema.title === "repository")
    return "[repository](#repositories-as-upstreams)";
  if (schema.$ref === "#/$defs/Source" || schema.title === "source") return "[source](#sources)";
  if (schema.$ref === "#/$defs/Publisher") return "[publisher](#trusted-publishers)";
  if (schema.$ref === "#/$defs/Feed") return "[feed](#feeds)";
  if (schema.$ref === "#/$defs/Hook") return "[hook](#hooks)";
  if (schema.$ref === "#/$defs/Witness") return "[witness](#witnesses)";
  if (schema.$ref === "#/$defs/Upstream" || schema.title === "upstream")
    return "[upstream](#upstreams)";
  if (schema.title) return schema.title;
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(", ");
  if (schema.const !== undefined) return code(String(schema.const));
  if (schema.anyOf) return schema.anyOf.map(typeName).join(" or ");
  if (schema.type === "array") return `list of ${typeName(schema.items ?? {})}`;
  const names: Record<string, string> = {
    string: "text",
    boolean: "`true`, `false`",
    object: "mapping",
  };
  return names[schema.type ?? ""] ?? schema.type ?? "anything";
}

/** As it would stand in the file, on one line. */
function yaml(value: unknown): string {
  if (Array.isArray(value))
    return code(`[${value.map((item) => JSON.stringify(item)).join(", ")}]`);
  return code(typeof value === "string" ? value || '""' : JSON.stringify(value));
}

function code(text: string): string {
  return `\`${text}\``;
}

/** A table in columns, so that it can be read as text too. */
function columns(head: string[], body: string[][]): string {
  const cells = body.map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((title, at) =>
    Math.max(title.length, ...cells.map((row) => row[at]!.length)),
  );
  const line = (row: string[]) =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(head), rule, ...cells.map(line)].join("\n");
}

const INTRODUCTION = `# Configuration

<!-- Made by \`npm run docs\` from src/config/schema.ts. Do not edit by hand. -->

No file is needed: without one, Holdfast serves the built-in repositories on \`127.0.0.1:4653\` and stores in \`./data\`.
To change something, write a YAML file with only what differs, and name it:

\`\`\`sh
holdfast serve --config holdfast.yaml
\`\`\`

\`\`\`yaml
listen: 0.0.0.0:4653
data: /var/lib/holdfast
publicUrl: https://packages.example.com
access: { anonymous: read }              # on loopback alone that is so without a word
repositories:
  npm:                                   # built in: its upstream stays
    claims: ["@acme/*"]
  go: false                              # built in: switched off
  vendor:                                # new
    format: npm
    upstreams:
      - url: https://npm.vendor.example.com/
        tokenFile: /run/secrets/vendor
\`\`\`

- The file is given with \`--config\`, or by the variable \`HOLDFAST_CONFIG\`; the server and each command read it.
- A flag wins over a variable (\`HOLDFAST_DATA\`, \`HOLDFAST_LISTEN\`), a variable over the file, the file over the default.
- Relative paths in the file start at the file's folder. Those of flags, variables and defaults start where you are.
- \`holdfast config check\` tells every mistake at once, each with its line. \`holdfast config show\` prints what counts in
  the end, with secrets as \`***\`.
- Editors check and complete the file with \`# yaml-language-server: $schema=holdfast.schema.json\` as its first line.
- A duration is a whole number and a unit: \`30s\`, \`5m\`, \`24h\`, \`7d\`. A size is one too: \`512KiB\`, \`64MiB\`, \`2GB\`.`;

const REPOSITORIES = `## Repositories

\`repositories\` is a mapping. The name of a repository is the first part of its URL: \`http://HOST/<name>/\`. It has lower
case letters, digits, dots, dashes and underscores, and starts with a letter or a digit.

These are built in. What the file says of one takes the place of the same key; the rest stays. \`<name>: false\` switches it off.`;

const SECRETS = `Secrets never stand in the file. \`…File\` names a file that holds nothing else, \`…Env\` names an environment variable;
one of the two. They are read at start. They are sent to the origin of \`url\` alone, and never printed.`;
