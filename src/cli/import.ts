// `holdfast import verdaccio`: publishes what was published in a Verdaccio, as its clients would: nothing is let in that they could not publish.
import type { FormatOptions } from "../config/schema.ts";
import { printable } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import { type Command, type Given, UsageError, unknown } from "./arguments.ts";
import { type NpmRegistry, npmRegistry } from "./npm-registry.ts";
import { configFrom, configOptions, rootUrl } from "./options.ts";
import type { Terminal } from "./terminal.ts";
import {
  publishedNames,
  readPackage,
  readTarball,
  type StoredPackage,
} from "./verdaccio-storage.ts";

/** What a version is published under until all are there: each one needs some tag. */
const MEANWHILE = "imported";

export function importCommand({ formats }: { formats: readonly FormatOptions[] }): Command {
  return {
    name: "import verdaccio",
    words: "STORAGE REPOSITORY",
    summary: "Publish here what was published in a Verdaccio",
    options: {
      config: configOptions.config,
      url: { value: "URL", help: "Of the repository; from the configuration without it" },
      package: { value: "NAME", help: "Only this package" },
      "dry-run": { help: "Only say what would be published" },
    },
    details: `STORAGE is the folder that \`storage:\` of Verdaccio's config.yaml names. The server runs, and HOLDFAST_TOKEN in the environment is a token that may
publish. Versions go in with their tags and deprecations, the lowest first; what Verdaccio only fetched is left out. Once more does no harm: the same bytes again are no error, and a tag that
names a version which Verdaccio never had stays where it is. Dates of publication, and by whom, are those of the import. Ends with 1 when something was not taken over.`,
    examples: [
      [
        "import verdaccio /verdaccio/storage npm --dry-run",
        "Which packages and versions there are",
      ],
    ],
    async run(given, terminal) {
      const url = given.text("url")?.replace(/\/+$/, "") ?? repositoryUrl(given, terminal);
      const folder = given.words[0]!;
      const token = terminal.env["HOLDFAST_TOKEN"] ?? "";
      const isDry = given.on("dry-run");
      if (token === "" && !isDry)
        throw new UsageError(
          "HOLDFAST_TOKEN is not set: a token that may publish (holdfast token create)",
        );
      const only = given.text("package");
      const names = publishedNames(folder);
      if (only !== undefined && !names.includes(only))
        throw new UsageError(unknown("package", only, names));
      return isDry
        ? tell(folder, only === undefined ? names : [only], terminal)
        : take(folder, only === undefined ? names : [only], npmRegistry(url, token), terminal);
    },
  };

  function repositoryUrl(given: Given, terminal: Terminal): string {
    const config = configFrom(given, formats, terminal);
    const names = config.repositories.flatMap((one) => (one.format === "npm" ? [one.name] : []));
    const name = given.words[1]!;
    if (!names.includes(name)) throw new UsageError(unknown("npm repository", name, names));
    return `${rootUrl(config)}/${name}`;
  }
}

/** What would be done. */
function tell(folder: string, names: readonly string[], terminal: Terminal): number {
  let failed = 0;
  for (const name of names)
    try {
      const { versions, tags, fetched } = readPackage(folder, name);
      const what = versions.map(({ version }) => version).join(" ") || "nothing";
      const named = Object.entries(tags).map(([tag, version]) => `${tag}=${version}`);
      const left = fetched.length > 0 ? `; ${fetched.length} were only fetched` : "";
      terminal.out(`${printable(`${name}: ${what} (${named.join(" ")})${left}`)}\n`);
    } catch (error) {
      failed += 1;
      say(terminal, name, error);
    }
  return failed > 0 ? 1 : 0;
}

async function take(
  folder: string,
  names: readonly string[],
  registry: NpmRegistry,
  terminal: Terminal,
): Promise<number> {
  let done = 0;
  let failed = 0;
  for (const name of names)
    try {
      const stored = readPackage(folder, name);
      const taken: string[] = [];
      for (const one of stored.versions)
        try {
          await registry.publish(
            name,
            one.version,
            publishable(one.manifest),
            readTarball(one),
            MEANWHILE,
          );
          taken.push(one.version);
        } catch (error) {
          if (isForAll(error)) throw error;
          failed += 1;
          say(terminal, `${name}@${one.version}`, error);
        }
      done += taken.length;
      if (taken.length > 0) failed += await finish(stored, taken, registry, terminal);
      terminal.out(`${printable(name)}: ${taken.length} of ${stored.versions.length} versions\n`);
    } catch (error) {
      // None of the others would fare better.
      if (isForAll(error)) throw error;
      failed += 1;
      say(terminal, name, error);
    }
  terminal.out(
    `${done} versions are here${failed > 0 ? `; ${failed} things were not taken over, as told above` : ""}.\n`,
  );
  return failed > 0 ? 1 : 0;
}

/** Tags and deprecations, once all versions are there. Returns how much of it could not be done. */
async function finish(
  { name, tags, deprecated, versions }: StoredPackage,
  taken: readonly string[],
  registry: NpmRegistry,
  terminal: Terminal,
): Promise<number> {
  let failed = 0;
  const trying = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (isForAll(error)) throw error;
      failed += 1;
      say(terminal, what, error);
    }
  };
  const now = (await registry.tags(name)) ?? {};
  const theirs = new Set(versions.map(({ version }) => version));
  // A package without `latest` there: the highest that is no preview, as npm itself would have it.
  const latest = taken.findLast((version) => !version.includes("-")) ?? taken.at(-1)!;
  for (const [tag, version] of Object.entries({ latest, ...tags }))
    await trying(`The tag ${tag} of ${name}`, async () => {
      // It was moved here since, to what was never there.
      if (tag !== MEANWHILE && now[tag] !== undefined && !theirs.has(now[tag])) return;
      if (!taken.includes(version))
        throw new Problem("notFound", `names ${version}, which was not taken over`);
      if (now[tag] !== version) await registry.setTag(name, tag, version);
    });
  if (!(MEANWHILE in tags))
    await trying(`The tag ${MEANWHILE} of ${name}`, () => registry.removeTag(name, MEANWHILE));
  const notes = Object.fromEntries(
    Object.entries(deprecated).filter(([version]) => taken.includes(version)),
  );
  if (Object.keys(notes).length > 0)
    await trying(`What is deprecated of ${name}`, () => registry.deprecate(name, notes));
  return failed;
}

/** As a client would say it: a deprecation comes afterwards. */
function publishable(manifest: Record<string, unknown>): Record<string, unknown> {
  const { deprecated: _, ...rest } = manifest;
  return rest;
}

function isForAll(error: unknown): boolean {
  return !(error instanceof Problem) || ["unauthenticated", "unreachable"].includes(error.kind);
}

function say(terminal: Terminal, what: string, error: unknown): void {
  if (!(error instanceof Problem)) throw error;
  terminal.err(`${printable(`${what} is not taken over: ${error.message}`)}\n`);
}
