import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { OptionFile } from "../core/format.ts";
import { ConfigError } from "./errors.ts";
import { type LoadInput, loadConfig } from "./load.ts";
import type { Config } from "./resolve.ts";

const formats = [
  { name: "npm", options: z.strictObject({}) },
  { name: "pypi", options: z.strictObject({ simplePath: z.string().default("simple/") }) },
  {
    name: "go",
    options: z
      .strictObject({
        sumdb: z
          .union([
            z.literal(false),
            z.strictObject({ name: z.string(), key: z.string(), direct: z.url().optional() }),
          ])
          .optional(),
      })
      .refine(({ sumdb }) => !sumdb || sumdb.key.startsWith(sumdb.name), {
        path: ["sumdb", "key"],
        message: "Is not the key of that database",
      }),
  },
];

const folder = mkdtempSync(join(tmpdir(), "holdfast-config-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "token"), "s3cret-token\n");
writeFileSync(join(folder, "empty"), "\n");
writeFileSync(join(folder, "lines"), "one\ntwo\n");
writeFileSync(join(folder, "ca.pem"), "-----BEGIN CERTIFICATE-----\nMIIB\n");
writeFileSync(join(folder, "one.asc"), "one");
writeFileSync(join(folder, "two.asc"), new Uint8Array([0xff, 0xfe]));

function load(text: string | null, rest: Partial<LoadInput> = {}): Config {
  const file = text === null ? undefined : join(folder, "holdfast.yaml");
  if (file) writeFileSync(file, text!);
  return loadConfig({ file, formats, flags: {}, env: {}, ...rest });
}

/** The mistakes as a terminal shows them, without the folder and without columns of spaces. */
function mistakes(text: string | null, rest: Partial<LoadInput> = {}): string[] {
  try {
    load(text, rest);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = error.message.replaceAll(`${folder}/`, "").split("\n");
    return lines.map((line) => line.replace(/ {2,}/g, "  "));
  }
  return [];
}

test("without a file there are the built-in repositories and the defaults", () => {
  const config = load(null);
  expect(config).toMatchObject({
    listen: { host: "127.0.0.1", port: 4653 },
    data: resolve("data"),
    publicUrl: null,
    trustedProxies: [],
    offline: false,
    logs: { style: "auto" },
    cache: { memory: 64 * 1024 * 1024 },
    scrub: 30 * 24 * 60 * 60 * 1000,
    requests: { memory: 64 * 1024 * 1024, silence: 30_000, time: 60_000 },
  });
  expect(config.repositories.map(({ name, format }) => [name, format])).toEqual([
    ["npm", "npm"],
    ["pypi", "pypi"],
    ["go", "go"],
  ]);
  for (const repository of config.repositories) {
    expect(repository.upstreams).toHaveLength(1);
    expect(repository.upstreams[0]).toMatchObject({ timeoutMs: 30_000 });
    expect(repository).toMatchObject({
      freshnessMs: 300_000,
      quota: null,
      claims: [],
      listen: null,
    });
  }
  expect(config.repositories[1]!.options).toEqual({ simplePath: "simple/" });
});

test("an empty file changes nothing", () => {
  const { places, ...empty } = load("# nothing\n");
  expect(load(null)).toEqual({ ...empty, places: { ...places, file: null } });
});

test("what the file says of a built-in repository takes the place of that key alone", () => {
  const builtIn = load(null).repositories[0]!;
  const { repositories } = load(
    "repositories:\n  npm: { claims: ['@acme/*'], freshness: 1h }\n  pypi: false\n  go:\n",
  );
  expect(repositories.map(({ name }) => name)).toEqual(["npm", "go"]);
  expect(repositories[0]).toEqual({ ...builtIn, claims: ["@acme/*"], freshnessMs: 3_600_000 });
});

test("a format that this server does not have has no built-in repository", () => {
  const { repositories } = load(null, { formats: formats.slice(0, 1) });
  expect(repositories.map(({ name }) => name)).toEqual(["npm"]);
});

test("every key of an upstream arrives, with secrets read", () => {
  const { repositories } = load(
    `repositories:
  vendor:
    format: npm
    listen: "[::]:4873"
    upstreams:
      - url: https://npm.vendor.example.test/
        hosts: [files.vendor.example.test, "*.cdn.example.test"]
        proxy: http://exit@proxy.example.test:3128
        proxyPasswordEnv: EXIT
        username: builds
        passwordFile: token
        credentialsPath: /team/
        ca: ca.pem
        timeout: 10s
        maxRate: 10MiB
      - url: https://second.example.test/
        tokenEnv: TOKEN
`,
    { env: { EXIT: "exit-secret", TOKEN: "t0ken" } },
  );
  expect(repositories.at(-1)).toEqual({
    name: "vendor",
    format: "npm",
    claims: [],
    freshnessMs: 300_000,
    quota: null,
    offline: false,
    listen: { host: "::", port: 4873 },
    bases: [],
    policy: [],
    sources: [],
    hookSecret: null,
    hosted: {
      trashMs: 30 * 24 * 60 * 60 * 1000,
      replace: false,
      quota: null,
      quotaPerUser: null,
      fileLimit: 5 * 1024 ** 3,
    },
    options: {},
    written: {},
    upstreams: [
      {
        url: "https://npm.vendor.example.test/",
        hosts: ["files.vendor.example.test", "*.cdn.example.test"],
        proxy: "http://exit@proxy.example.test:3128",
        proxyPassword: "exit-secret",
        username: "builds",
        password: "s3cret-token",
        ca: "-----BEGIN CERTIFICATE-----\nMIIB\n",
        timeoutMs: 10_000,
        retryMs: 5_000,
        minRate: 1024,
        credentialsPath: "/team/",
        maxRate: 10 * 1024 * 1024,
      },
      {
        url: "https://second.example.test/",
        hosts: [],
        timeoutMs: 30_000,
        retryMs: 5_000,
        minRate: 1024,
        token: "t0ken",
      },
    ],
  });
});

const precedence: [what: string, text: string | null, rest: Partial<LoadInput>, want: unknown][] = [
  ["default", null, {}, ["127.0.0.1:4653", resolve("data"), false]],
  [
    "the file, whose paths start at its folder",
    "{ listen: 'a:1', data: f, offline: true }",
    {},
    ["a:1", join(folder, "f"), true],
  ],
  [
    "variables over the file",
    "{ listen: 'a:1', data: f }",
    { env: { HOLDFAST_LISTEN: "b:2", HOLDFAST_DATA: "v" } },
    ["b:2", resolve("v"), false],
  ],
  [
    "empty variables are none",
    "{ listen: 'a:1', data: f }",
    { env: { HOLDFAST_LISTEN: "", HOLDFAST_DATA: "" } },
    ["a:1", join(folder, "f"), false],
  ],
  [
    "flags over variables",
    "{ listen: 'a:1', data: f }",
    {
      env: { HOLDFAST_LISTEN: "b:2", HOLDFAST_DATA: "v" },
      flags: { listen: "c:3", data: "/w", offline: true },
    },
    ["c:3", "/w", true],
  ],
];
for (const [what, text, rest, want] of precedence)
  test(`precedence: ${what}`, () => {
    const { listen, data, offline } = load(text, rest);
    expect([`${listen.host}:${listen.port}`, data, offline]).toEqual(want as never);
  });

test("offline for the server is offline for each repository", () => {
  const { repositories } = load("repositories: { npm: { offline: true } }");
  expect(repositories.map(({ offline }) => offline)).toEqual([true, false, false]);
  const all = load(null, { flags: { offline: true } });
  expect(all.repositories.every(({ offline }) => offline)).toBe(true);
});

test("the slash at the end of publicUrl goes", () =>
  expect(load("publicUrl: https://p.example.test/x/").publicUrl).toBe("https://p.example.test/x"));

const WRONG = `listn: 127.0.0.1:1
data:
publicUrl: https://me:s3cret@p.example.test/
trustedProxies: [127.0.0.1, 300.0.0.1]
logs: { style: jsn }
cache:
  memory: 64
repositories:
  npm:
    upstrems: []
    freshness: 5 minutes
  go: { format: pypi }
  Bad: { format: npm, offline: true }
  "-": { format: npm, offline: true }
  php:
    format: pyp
    offline: true
  other: false
  corp:
    upstreams:
      - url: ftp://x
        timeout: 0s
    claims: ["a b", 5]
  sums: { format: go, offline: true, sumdb: { nam: x, key: y } }
  secrets:
    format: npm
    upstreams:
      - { url: "http://x", tokenFile: nowhere, username: j }
`;

test("all mistakes at once, each with its place, its path and what was meant", () => {
  expect(mistakes(WRONG)).toEqual([
    'holdfast.yaml:1:1  listn  unknown key (did you mean "listen"?)',
    "holdfast.yaml:2:1  data  expected text, got nothing",
    "holdfast.yaml:3:12  publicUrl  expected an http:// or https:// URL without a user name or password in it",
    'holdfast.yaml:4:29  trustedProxies[1]  expected an IP address, a range, or unix: for those who come through the socket file, got "300.0.0.1"',
    'holdfast.yaml:5:16  logs.style  expected one of auto, json, text, got "jsn" (did you mean "json"?)',
    "holdfast.yaml:7:11  cache.memory  expected a size (a whole number and a unit: 512KiB, 64MiB, 2GB), got 64",
    'holdfast.yaml:10:5  repositories.npm.upstrems  unknown key (did you mean "upstreams"?)',
    'holdfast.yaml:11:16  repositories.npm.freshness  expected a duration (a whole number and a unit: 30s, 5m, 24h, 7d), got "5 minutes"',
    "holdfast.yaml:12:17  repositories.go.format  is built in as go: another format needs another name",
    "holdfast.yaml:13:3  repositories.Bad  expected lower case letters, digits, dots, dashes and underscores",
    "holdfast.yaml:14:3  repositories.-  this name is taken: /-/ is where the server speaks for itself",
    'holdfast.yaml:16:13  repositories.php.format  expected one of npm, pypi, go, got "pyp" (did you mean "pypi"?)',
    "holdfast.yaml:18:3  repositories.other  there is no built-in repository of this name to switch off",
    "holdfast.yaml:19:3  repositories.corp.format  is missing: one of npm, pypi, go",
    "holdfast.yaml:21:14  repositories.corp.upstreams[0].url  expected an http:// or https:// URL without a user name or password in it",
    "holdfast.yaml:22:18  repositories.corp.upstreams[0].timeout  must be longer than 0s",
    "holdfast.yaml:23:14  repositories.corp.claims[0]  expected a name pattern without spaces, like @acme/*",
    "holdfast.yaml:23:21  repositories.corp.claims[1]  expected text, got 5",
    'holdfast.yaml:24:47  repositories.sums.sumdb.nam  unknown key (did you mean "name"?)',
    `holdfast.yaml:28:39  repositories.secrets.upstreams[0].tokenFile  cannot read nowhere: no such file`,
    "holdfast.yaml:28:58  repositories.secrets.upstreams[0].username  either user name and password or a token, not both",
  ]);
});

const upstream = (keys: string) =>
  `repositories: { a: { format: npm, upstreams: [{ url: 'http://x', ${keys} }] } }`;
const single: [what: string, text: string | null, rest: Partial<LoadInput>, want: string][] = [
  ["a list", "- 5", {}, "holdfast.yaml:1:1  expected a mapping, got a list"],
  ["not YAML", "a: [1\nb: 2\n", {}, "holdfast.yaml:2:1  not YAML: "],
  ["a key twice", "data: a\ndata: b\n", {}, "holdfast.yaml:2:1  data  stands here a second time"],
  [
    "an inner key twice",
    "repositories:\n  go: false\n  go: false\n",
    {},
    "holdfast.yaml:3:3  repositories.go  stands here a second time",
  ],
  [
    "repositories as a list",
    "repositories: [npm]",
    {},
    "holdfast.yaml:1:15  repositories  expected a mapping, got a list",
  ],
  [
    "no upstream",
    "repositories:\n  a:\n    format: npm\n",
    {},
    "holdfast.yaml:2:3  repositories.a  needs at least one upstream, or offline: true",
  ],
  [
    "an option against another",
    "repositories:\n  go: { sumdb: { name: a, key: b } }\n",
    {},
    "holdfast.yaml:2:32  repositories.go.sumdb.key  is not the key of that database",
  ],
  [
    "two listeners on one address",
    "repositories: { npm: { listen: '127.0.0.1:4653' } }",
    {},
    "holdfast.yaml:1:32  repositories.npm.listen  127.0.0.1:4653 is already used by the server itself",
  ],
  [
    "room that ends before it begins",
    "disk: { keepFree: 10%, until: 5% }",
    {},
    "holdfast.yaml:1:31  disk.until  must not be less than keepFree",
  ],
  ["more than all of a disk", "disk: { keepFree: 100% }", {}, "a size or a part of the disk"],
  ["an empty secret", upstream("tokenFile: empty"), {}, "tokenFile  empty is empty"],
  ["two lines", upstream("tokenFile: lines"), {}, "tokenFile  lines holds more than one line"],
  [
    "a variable that is not set",
    upstream("tokenEnv: T"),
    {},
    "tokenEnv  the environment variable T",
  ],
  [
    "file and variable",
    upstream("tokenFile: token, tokenEnv: T"),
    {},
    "tokenEnv  either tokenFile or tokenEnv, not both",
  ],
  ["a password alone", upstream("passwordFile: token"), {}, "has a password but no username"],
  ["a user alone", upstream("username: j"), {}, "username  needs passwordFile or passwordEnv"],
  [
    "a path for no credentials",
    upstream("credentialsPath: /team/"),
    {},
    "credentialsPath  needs a user name or a token beside it",
  ],
  [
    "a path for credentials that is no folder",
    upstream("credentialsPath: team, tokenFile: token"),
    {},
    "credentialsPath  expected a path that begins and ends with a slash",
  ],
  ["no certificate", upstream("ca: token"), {}, "ca  token holds no PEM certificate"],
  [
    "a proxy's password without its user",
    upstream("proxy: 'http://p:1', proxyPasswordFile: token"),
    {},
    "proxy  needs the user name of the proxy's password",
  ],
  ["a wrong flag", null, { flags: { listen: "nonsense" } }, "--listen  expected HOST:PORT"],
  [
    "a wrong variable",
    null,
    { env: { HOLDFAST_LISTEN: "x" } },
    "HOLDFAST_LISTEN  expected HOST:PORT",
  ],
];
for (const [what, text, rest, want] of single)
  test(`says what is wrong with ${what}`, () => {
    const found = mistakes(text, rest);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(want);
    expect(found[0]).not.toContain("s3cret");
  });

const file = z.custom<OptionFile>(
  (value) => (value as OptionFile | undefined)?.bytes instanceof Uint8Array,
  "expected a file",
);
const signed = {
  name: "signed",
  fileOptions: ["keyring", "note"],
  options: z
    .strictObject({
      keyring: z.union([file, z.array(file).min(1)]).optional(),
      note: file
        .refine(({ bytes }) => bytes.length < 10, { error: "Holds too much", path: ["bytes"] })
        .optional(),
      every: z
        .string()
        .transform((text) => text.length)
        .prefault("6h"),
    })
    .refine(({ keyring, note }) => keyring ?? note, "Needs a keyring"),
};
const withSigned = { formats: [...formats, signed] };
const signs = (options: string) => `repositories:
  deb: { format: signed, offline: true, ${options} }
`;

test("an option that names files holds what they hold, found from the folder of the configuration", () => {
  const one = { path: join(folder, "one.asc"), bytes: Buffer.from("one") };
  const two = { path: join(folder, "two.asc"), bytes: Buffer.from([0xff, 0xfe]) };
  const options = (text: string) => load(signs(text), withSigned).repositories.at(-1)!.options;
  expect(options("keyring: one.asc")).toEqual({ keyring: one, every: 2 });
  expect(options(`keyring: [one.asc, ${folder}/two.asc], note: ./two.asc`)).toEqual({
    keyring: [one, two],
    note: two,
    every: 2,
  });
});

test("what was written is kept as it was, with the whole paths of files", () => {
  const { written } = load(signs("keyring: [one.asc], every: 12h"), withSigned).repositories.at(
    -1,
  )!;
  expect(written).toEqual({ keyring: [join(folder, "one.asc")], every: "12h" });
});

const wrongFiles: [options: string, want: string[]][] = [
  ["keyring: none.asc", ["2:50  repositories.deb.keyring  cannot read none.asc: no such file"]],
  [
    "keyring: [one.asc, ../none.asc]",
    [
      `2:60  repositories.deb.keyring[1]  cannot read ${resolve(folder, "../none.asc")}: no such file`,
    ],
  ],
  [
    "keyring: none.asc, evry: 1h",
    [
      "2:50  repositories.deb.keyring  cannot read none.asc: no such file",
      '2:60  repositories.deb.evry  unknown key (did you mean "every"?)',
    ],
  ],
  ["keyring: .", [`2:50  repositories.deb.keyring  cannot read ${folder}: it is a folder`]],
  ["keyring: ''", ["2:50  repositories.deb.keyring  must not be empty"]],
  ["keyring: []", ["2:50  repositories.deb.keyring  must have at least 1 entries"]],
  ["keyring: [5]", ["2:51  repositories.deb.keyring[0]  expected text, got 5"]],
  [
    "keyring: 5",
    ["2:50  repositories.deb.keyring  expected text, got 5, or expected a list, got 5"],
  ],
  ["note: ca.pem", ["2:47  repositories.deb.note  holds too much"]],
  ["note: [one.asc]", ["2:47  repositories.deb.note  expected a file"]],
  ["every: 1h", ["2:8  repositories.deb  needs a keyring"]],
];
for (const [options, want] of wrongFiles)
  test(`says what is wrong with a file in { ${options} }`, () =>
    expect(mistakes(signs(options), withSigned)).toEqual(
      want.map((line) => `holdfast.yaml:${line}`),
    ));

const ports: [server: string, repository: string, clashes: boolean][] = [
  ["127.0.0.1:80", "127.0.0.1:80", true],
  ["127.0.0.1:80", "127.0.0.1:81", false],
  ["127.0.0.1:0", "127.0.0.1:0", false],
  ["127.0.0.1:80", "127.0.0.2:80", false],
  ["0.0.0.0:80", "127.0.0.1:80", true],
  ["192.0.2.1:80", "0.0.0.0:80", true],
  ["0.0.0.0:80", "[::1]:80", false],
  ["[::]:80", "0.0.0.0:80", true],
  ["192.0.2.1:80", "[::]:80", true],
  ["[0:0::0]:80", "[::1]:80", true],
  ["[2001:db8::1]:80", "[2001:DB8:0::1]:80", true],
  ["localhost:80", "127.0.0.1:80", true],
  ["0.0.0.0:80", "localhost:80", true],
  ["build.example.test:80", "0.0.0.0:80", false],
];
for (const [server, repository, clashes] of ports)
  test(`${server} and ${repository} ${clashes ? "are one port" : "are two ports"}`, () => {
    const text = `listen: "${server}"\nrepositories: { npm: { listen: "${repository}" } }\n`;
    const found = mistakes(text).join();
    if (!clashes) expect(found).toBe("");
    else expect(found).toContain("repositories.npm.listen");
  });

test("a file that is not there is named", () => {
  expect(() => load(null, { file: join(folder, "none.yaml") })).toThrow(
    `${join(folder, "none.yaml")}  cannot be read: no such file`,
  );
});

test("aliases that would grow without bound are refused", () => {
  const text = `a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
`;
  expect(mistakes(text)[0]).toContain("not YAML: Excessive alias count");
});

test("an empty list of upstreams is enough where packages are published, and an absent one is not", () => {
  const hosting = [{ ...formats[0]!, hosts: true as const }];
  const load = (text: string) => {
    const file = join(folder, "hosting.yaml");
    writeFileSync(file, text);
    return loadConfig({ file, formats: hosting, flags: {}, env: {} });
  };
  const { repositories } = load("repositories: { a: { format: npm, upstreams: [] } }\n");
  expect(repositories.find(({ name }) => name === "a")).toMatchObject({ offline: true });
  expect(() => load("repositories: { a: { format: npm } }\n")).toThrow(
    "or upstreams: [] where only what is published here is meant",
  );
});

test("a mistake that the schema finds hides none that it cannot find", () => {
  const found = mistakes(`listen: 0.0.0.0:80
access: { grants: [{ to: everyone, may: read, repositories: [nmp] }] }
repositories:
  npm: { upstreams: [{ url: "not an address" }], listen: 0.0.0.0:80 }
  other: { format: npmm, clams: [a], quux: 1 }
`).join("\n");
  for (const want of [
    "there is no repository nmp; did you mean npm?",
    "0.0.0.0:80 is already used by the server itself",
    "repositories.npm.upstreams[0].url",
    'repositories.other.format  expected one of npm, pypi, go, got "npmm" (did you mean "npm"?)',
    'repositories.other.clams  unknown key, whatever the format (did you mean "claims"?)',
    "repositories.other.quux  unknown key, whatever the format",
  ])
    expect(found).toContain(want);
  expect(found.split("\n")).toHaveLength(6);
});
