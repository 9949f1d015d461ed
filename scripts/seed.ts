// Makes what a server knows of bad releases before it reads any feed: facts alone, without the words in which others told them. It writes src/formats/*/seed.br.
//   bun scripts/seed.ts go FOLDER VERSION         the unpacked Go module golang.org/x/vulndb, at this pseudo-version (CC-BY-4.0)
//   bun scripts/seed.ts composer FOLDER COMMIT AT a work tree of FriendsOfPHP/security-advisories (Unlicense), of this commit and time
//   bun scripts/seed.ts incidents                 scripts/incidents.txt, by hand
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { Glob, YAML } from "bun";
import { packagistEntries } from "../src/advisories/packagist.ts";

interface Told {
  id: string;
  [key: string]: unknown;
}

const FORMATS = join(import.meta.dirname, "../src/formats");
const FOLDERS: Readonly<Record<string, string>> = {
  Go: "go",
  Packagist: "composer",
  npm: "npm",
  PyPI: "pypi",
};
const [which, folder = "", revision = "", time = ""] = process.argv.slice(2);

if (which === "go") ofGo();
else if (which === "composer") await ofComposer();
else if (which === "incidents") ofIncidents();
else throw new Error("Of what? go, composer or incidents");

function ofGo(): void {
  const [, year, month, day, ...clock] = /-(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)-/.exec(revision)!;
  const at = `${year}-${month}-${day}T${clock.join(":")}Z`;
  const records = readdirSync(join(folder, "data/osv")).flatMap((file): Told[] => {
    const told = JSON.parse(readFileSync(join(folder, "data/osv", file), "utf8"));
    if (told.withdrawn) return [];
    const { id, aliases, affected, database_specific: specific } = told;
    return [
      {
        id,
        modified: at, // the module does not say when
        aliases,
        affected,
        references: [{ type: "WEB", url: specific.url }],
        database_specific: { review_status: specific.review_status },
      },
    ];
  });
  write("Go", records, { at, from: `golang.org/x/vulndb ${revision}`, licence: "CC-BY-4.0" }, true);
}

async function ofComposer(): Promise<void> {
  const at = new Date(time).toISOString();
  const known = new Map<string, Told>();
  for (const path of [...new Glob("*/*/*.yaml").scanSync(folder)].sort()) {
    const told = YAML.parse(readFileSync(join(folder, path), "utf8")) as {
      link: string;
      cve?: string | null;
      reference: string;
      branches: Record<string, { versions: string[] }>;
    };
    const name = told.reference.replace("composer://", "").toLowerCase();
    const ranges = Object.values(told.branches).map(({ versions }) => versions.join(","));
    const own = `PHP-${name.replace("/", ".")}-${basename(path, ".yaml")}`;
    const id = told.cve ?? own.replaceAll(/[^A-Za-z0-9._-]/g, "-");
    // By the code that reads the registry's own answers.
    const advisory = { advisoryId: id, affectedVersions: ranges.join("|"), link: told.link };
    const [entry] = packagistEntries(JSON.stringify({ advisories: { [name]: [advisory] } }), at);
    const record = JSON.parse((await entry!.read()).text);
    const { affected, references } = record;
    const before = known.get(id);
    // One hole in several packages.
    if (before) (before["affected"] as unknown[]).push(...affected);
    else known.set(id, { id, modified: at, references, affected });
  }
  const from = `FriendsOfPHP/security-advisories ${revision}`;
  write("Packagist", [...known.values()], { at, from, licence: "Unlicense" }, false);
}

function ofIncidents(): void {
  const lines = readFileSync(join(import.meta.dirname, "incidents.txt"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" ") as [string, string, string, string]);
  for (const ecosystem of ["npm", "PyPI"]) {
    const own = lines.filter(([its]) => its === ecosystem);
    const records = own.map(([, name, versions, day]): Told => {
      const key = createHash("sha256").update(`${ecosystem}\0${name}\0${versions}`).digest("hex");
      const isAll = versions === "*";
      return {
        id: `MAL-SEED-${key.slice(0, 12)}`,
        modified: `${day}T00:00:00Z`,
        affected: [
          {
            package: { ecosystem, name },
            ...(isAll
              ? { ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }] }] }
              : { versions: versions.split(",") }),
          },
        ],
      };
    });
    const days = own.map(([, , , day]) => day).sort();
    const at = `${days.at(-1)}T00:00:00Z`;
    write(ecosystem, records, { at, from: "scripts/incidents.txt", licence: null }, false);
  }
}

/** `isWhole`: all that its source knew at that time, so that what is not told of was not known to be bad. */
function write(
  ecosystem: string,
  records: readonly Told[],
  source: { at: string; from: string; licence: string | null },
  isWhole: boolean,
): void {
  const sorted = [...records].sort((a, b) => (a.id < b.id ? -1 : 1));
  const text = sorted.map((one) => `${JSON.stringify(one)}\n`).join("");
  const bytes = brotliCompressSync(text, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
  });
  const file = join(FORMATS, FOLDERS[ecosystem]!, "seed");
  writeFileSync(`${file}.br`, bytes);
  const mark = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const about = { ...source, isWhole, records: records.length, mark };
  writeFileSync(`${file}.json`, `${JSON.stringify(about, null, 2)}\n`);
  console.log(`${ecosystem}: ${records.length} records, ${bytes.length} bytes`);
}
