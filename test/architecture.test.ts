// The walls of the house: which room may import which, and what may stand where. Change the table with the import, and say why.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Glob } from "bun";
import { builtInRepositories } from "../src/config/upstreams.ts";
import { formats } from "../src/formats/index.ts";

const rooms: Record<string, readonly string[]> = {
  core: [],
  archive: ["core"],
  proof: ["core"],
  // Keys of logs and of witnesses are read where they are written.
  config: ["core", "proof"],
  store: ["core"],
  upstream: ["core"],
  git: ["core"],
  // The append-only log of what it holds is a tree that proves itself.
  ledger: ["core", "store", "proof"],
  auth: ["core", "store"],
  // The waivers are in the database; rules and decisions are pure.
  policy: ["core", "store"],
  hosted: ["core", "store", "ledger"],
  // What feeds tell is wrong with releases; the way to them is given.
  advisories: ["core", "archive", "store"],
  // Code hosts: their mirrors, what was seen of them first, and what is published of that.
  sources: ["core", "store", "ledger", "hosted", "git"],
  // What is published is read by the same code as what is fetched.
  cache: ["core", "store", "upstream", "ledger", "worker", "hosted", "sources", "git", "policy"],
  // Writes down what is to be told; the ways to where it is told are given.
  hooks: ["core", "store"],
  // What people are told of the inside of an archive: pure.
  inside: ["core", "archive"],
  formats: ["core", "archive", "proof", "inside"],
  // What people are shown of packages, of all that other rooms know.
  catalog: ["core", "store", "ledger", "cache", "policy", "advisories", "jobs"],
  // Numbers over time: what the metrics count, written down.
  series: ["core", "store"],
  // What is heard of the server that this one follows; the way there is given.
  follow: ["core", "store", "ledger", "hosted", "proof"],
  // What calls for somebody; what its rules look at is given.
  alarms: ["core", "store"],
  jobs: ["core", "store", "ledger", "cache", "hosted", "policy", "advisories"],
  // Spans and how a collector is told of them; what is traced and the way out are given.
  traces: ["core"],
  http: ["core"],
  worker: ["core", "store"],
  web: ["core"],
  // Says over HTTP what commands say: it asks the rooms that they ask.
  api: [
    ...["core", "store", "ledger", "auth", "hosted", "hooks", "policy", "jobs", "advisories"],
    ...["alarms", "follow"],
  ],
};
/** Outside of the rooms: they compose. */
const composers = ["main", "app", "target", "server", "cli"];
/** A file of a room that composes: it needs the formats. */
const composing = ["src/worker/thread.ts"];
/** The only rooms that hold doors to the outside. */
const doors = ["http", "store", "upstream", "git", "cli"];
/** Files elsewhere that were lent one, each for one thing. */
const lent = [
  "src/auth/passwords.ts", // argon2id
  "src/config/load.ts", // the configuration file
  "src/config/resolve.ts", // secrets and certificates that it names
  "src/config/tls.ts", // the server's own certificate and key
  "src/server/ground.ts", // free space of the disk, for the metrics
];

const all = (pattern: string) => [...new Glob(pattern).scanSync(".")].sort();
const text = (file: string) => readFileSync(file, "utf8");
const sources = all("src/**/*.ts");
const product = sources.filter((file) => !/\.test\.ts$|\.d\.ts$|[-/]test(kit|ing)\.ts$/.test(file));
const everything = [
  ...sources,
  ...all("test/**/*.ts"),
  ...all("bench/**/*.ts"),
  ...all("scripts/**/*.ts"),
].filter((file) => !file.includes("/.work/"));

function roomOf(file: string): string {
  return file.split("/")[1]!.replace(/\.ts$/, "");
}

/** What a file imports from this project, as paths from the root. */
function imports(file: string): string[] {
  const found = text(file).matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  const folder = new URL(file, "file:///");
  return [...found].map(([, path]) => new URL(path!, folder).pathname.slice(1));
}

/** Without comments: prose may name what code may not. */
function code(file: string): string {
  return text(file)
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/(^|\s)\/\/.*$/gm, "");
}

describe("a room imports only what the table allows", () => {
  for (const file of product.filter(
    (name) => !composers.includes(roomOf(name)) && !composing.includes(name),
  ))
    test(file, () => {
      const room = roomOf(file);
      expect(rooms).toHaveProperty(room);
      for (const path of imports(file).filter((name) => name.startsWith("src/")))
        expect([room, ...rooms[room]!]).toContain(roomOf(path));
    });
});

test("a format never imports another format", () => {
  const wrong = product
    .filter((file) => /^src\/formats\/\w+\//.test(file))
    .flatMap((file) => imports(file).map((path) => [file, path] as const))
    .filter(
      ([file, path]) =>
        path.startsWith("src/formats/") && path.split("/")[2] !== file.split("/")[2],
    );
  expect(wrong).toEqual([]);
});

test("no format is named outside of its folder", () => {
  const names = new RegExp(`["'\`](${formats.map(({ name }) => name).join("|")})["'\`]`);
  // The built-in repositories are data, and the command line speaks of the clients that people know by these names.
  const may = (file: string) => /^src\/(formats\/|config\/upstreams|cli\/)/.test(file);
  expect(product.filter((file) => !may(file) && names.test(code(file)))).toEqual([]);
});

test("only the rooms with doors use the Bun global, files, sockets and HTTP", () => {
  const door =
    /\bBun\.|from "bun(:[a-z]+)?"|from "node:(fs|fs\/promises|net|tls|http|https|http2|dgram|dns|child_process)(\/promises)?"/;
  expect(
    product.filter(
      (file) => !doors.includes(roomOf(file)) && !lent.includes(file) && door.test(code(file)),
    ),
  ).toEqual([]);
});

test("formats and core read no clock, no environment and no dice of their own", () => {
  const impure = /\bprocess\.(env|cwd|argv)\b|\bMath\.random\b/;
  expect(
    product.filter((file) => ["formats", "core"].includes(roomOf(file)) && impure.test(code(file))),
  ).toEqual([]);
});

test("a public registry's host stands in one file only", () => {
  const hosts = Object.values(builtInRepositories).flatMap(({ upstreams, options }) => [
    ...upstreams.flatMap(({ url, hosts = [] }) => [new URL(url).hostname, ...hosts]),
    ...[...JSON.stringify(options ?? {}).matchAll(/"name":"([^"]+)"/g)].map(([, name]) => name!),
  ]);
  expect(hosts.length).toBeGreaterThan(3);
  const files = [
    ...everything,
    ...all("*.md"),
    ...all("docs/**/*.md"),
    ...all("src/**/testdata/**"),
    ...all("*.json"),
  ];
  const wrong = files.filter(
    (file) => file !== "src/config/upstreams.ts" && hosts.some((host) => text(file).includes(host)),
  );
  expect(wrong).toEqual([]);
});

test("what is inserted into the database names its columns, so that one that is added later is none of its business", () => {
  const nameless = /\bINSERT\s+(OR\s+\w+\s+)?INTO\s+\w+\s+(VALUES|SELECT|DEFAULT)\b/;
  const wrong = [...everything, ...all("src/store/migrations/*.sql")].filter((file) =>
    nameless.test(text(file)),
  );
  // Released before the rule; a later migration puts another trigger in its place.
  expect(wrong).toEqual(["src/store/migrations/0001-start.sql"]);
});

test("files of the product do not import each other in a circle, not even for types", () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) circles.push([...way.slice(at), file].join(" → "));
    if (at >= 0 || done.has(file)) return;
    for (const path of imports(file)) if (/^src\/.*\.ts$/.test(path)) visit(path, [...way, file]);
    done.add(file);
  };
  for (const file of product) visit(file, []);
  expect(circles).toEqual([]);
});

test("no path of one machine stands anywhere", () => {
  const paths = new RegExp(
    ["/root/\\.", "/home/[a-z]+/", "/Users/", "/work/(main|shared)"]
      .map((path) => `(?<![\\w.])${path}`)
      .join("|"),
  );
  expect(
    [...everything, ...all("*.json"), ...all("scripts/*")].filter(
      (file) => file !== "test/architecture.test.ts" && paths.test(text(file)),
    ),
  ).toEqual([]);
});

test("a file begins by saying what it answers for", () => {
  // A test beside its code answers for that code.
  const files = everything.filter((file) => !/^src\/.*\.test\.ts$/.test(file));
  expect(files.filter((file) => !/^(\/\/ \S|#!.*\n\/\/ \S)/.test(text(file)))).toEqual([]);
});

test("grants are made in one room: elsewhere they can only be passed on", () => {
  const may = (file: string) => /^src\/(auth\/|core\/grant\.ts$)/.test(file);
  expect(product.filter((file) => !may(file) && /\bissueGrant\b/.test(code(file)))).toEqual([]);
});

test("a format keeps nothing of a repository in module variables: its service does", () => {
  const kept = /^(?:export )?(?:let |const \w+ = (?:new (?:Weak)?Map|memo)\b[^;\n]*Repository)/m;
  expect(
    product.filter((file) => file.startsWith("src/formats/") && kept.test(code(file))),
  ).toEqual([]);
});

/** Those of a repository that says nothing of its own, or no more than it must. */
function optionsOf({ options }: (typeof formats)[number]): unknown {
  const plain = options.safeParse({});
  return plain.success ? plain.data : options.parse({ unverified: true });
}

test("a format's service runs each operation that the format names, and no other", () => {
  for (const format of formats) {
    const own = {
      name: "r",
      options: optionsOf(format),
      claims: () => false,
      now: Date.now,
    };
    const nothing = async () => null;
    const asking = { ask: nothing, keep: nothing, kept: nothing, swap: nothing, report() {} };
    const service = format.mount({ ...own, ...asking, for: () => null } as never);
    const names = (format.operations ?? []).map(({ name }) => name).sort();
    expect([format.name, Object.keys(service.operations ?? {}).sort()]).toEqual([
      format.name,
      names,
    ]);
  }
});
