import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { OptionFile } from "../core/format.ts";
import { configCommand } from "./config.ts";
import { runCli } from "./index.ts";
import { fakeTerminal } from "./testing.ts";

const formats = [
  {
    name: "npm",
    options: z.strictObject({
      depth: z.string().default("all"),
      keyring: z
        .custom<OptionFile>()
        .transform((file) => [file])
        .optional(),
      mirror: z
        .strictObject({
          every: z.string().transform((text) => Number.parseInt(text, 10)),
          connections: z.number().default(20),
        })
        .optional(),
    }),
    fileOptions: ["keyring"],
  },
  { name: "other", hosts: true as const, options: z.strictObject({}), warnings: () => ["is weak"] },
];
const folder = mkdtempSync(join(tmpdir(), "holdfast-config-command-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "holdfast.yaml");
const SECRETS = ["pass-secret", "proxy-secret", "token-secret"];
writeFileSync(
  file,
  `data: stored
publicUrl: https://packages.example.test/
repositories:
  npm: false
  vendor:
    format: npm
    listen: 0.0.0.0:4873
    claims: ["@acme/*"]
    upstreams:
      - url: https://one.example.test/
        username: builds
        passwordEnv: PASS
        proxy: http://exit@proxy.example.test:3128
        proxyPasswordEnv: PROXY
        maxRate: 10MiB
      - { url: "https://two.example.test/", tokenEnv: TOKEN }
`,
);
const env = { PASS: SECRETS[0], PROXY: SECRETS[1], TOKEN: SECRETS[2] };

async function config(...argv: string[]) {
  const terminal = fakeTerminal({ env });
  const code = await runCli(["config", ...argv], [configCommand({ formats })], terminal);
  return { code, ...terminal.printed };
}

test("check says what is served where", async () => {
  expect(await config("check", "--config", file)).toEqual({
    code: 0,
    out: `${file} is right: vendor on 127.0.0.1:4653, data in ${folder}/stored\n`,
    err: "",
  });
});

test("check fails on a mistake", async () => {
  const wrong = join(folder, "wrong.yaml");
  writeFileSync(wrong, "lisen: 127.0.0.1:1\n");
  expect(await config("check", "--config", wrong)).toEqual({
    code: 1,
    out: "",
    err: `${wrong}:1:1  lisen  unknown key (did you mean "listen"?)\nholdfast: the configuration has a mistake\n`,
  });
});

test("check says what is right and dangerous all the same", async () => {
  const weak = join(folder, "weak.yaml");
  writeFileSync(
    weak,
    'repositories: { npm: false, own: { format: other, upstreams: [{ url: "https://own.example.test/" }] } }',
  );
  const { code, out } = await config("check", "--config", weak);
  expect(code).toBe(0);
  expect(out).toEndWith("\n! own is weak\n");
});

test("show prints what counts, in the words of the file, without a secret", async () => {
  const { code, out } = await config("show", "--config", file, "--offline", "--listen", "[::]:80");
  expect(code).toBe(0);
  expect(out).toBe(`listen: "[::]:80"
processes: 1
data: ${folder}/stored
publicUrl: https://packages.example.test
access:
  teams: {}
  grants: []
trustedProxies: []
socketMode: "0660"
fetches: 365d
diskLow: 1GiB
alarms:
  upstreamDown: 5m
  mirrorStale: 6h
  validUntil: 2d
  diskFull: 14d
  storageAway: 1m
  nodesDiffer: 5m
  feedStale: 3d
  followerStale: 1h
  backupStale: 2d
  quiet: 1d
  errorRate: 5%
  off: []
disk:
  keepFree: 0B
  until: 0B
offline: true
logs:
  style: auto
cache:
  memory: 64MiB
scrub: 30d
requests:
  memory: 64MiB
  silence: 30s
  time: 1m
repositories:
  vendor:
    format: npm
    upstreams:
      - url: https://one.example.test/
        hosts: []
        proxy: http://exit@proxy.example.test:3128
        username: builds
        password: "***"
        proxyPassword: "***"
        timeout: 30s
        retry: 5s
        minRate: 1KiB
        maxRate: 10MiB
      - url: https://two.example.test/
        hosts: []
        token: "***"
        timeout: 30s
        retry: 5s
        minRate: 1KiB
    claims:
      - "@acme/*"
    freshness: 5m
    offline: true
    listen: 0.0.0.0:4873
    depth: all
`);
  for (const secret of SECRETS) expect(out).not.toContain(secret);
});

test("show prints options as they were written, with defaults, and files by their paths", async () => {
  const options = join(folder, "options.yaml");
  writeFileSync(join(folder, "vendor.asc"), "the key");
  writeFileSync(
    options,
    "repositories: { npm: { offline: true, keyring: vendor.asc, mirror: { every: 6h } } }\n",
  );
  const { code, out } = await config("show", "--config", options);
  expect(code).toBe(0);
  expect(out).toEndWith(`    depth: all
    keyring: ${folder}/vendor.asc
    mirror:
      every: 6h
      connections: 20
`);
  expect(out).not.toContain("the key");
});

test("show prints who may log in with what, and which jobs may publish: where secrets stand, and no secret", async () => {
  for (const name of ["oidc", "ldap"]) writeFileSync(join(folder, name), `${name}-secret\n`);
  const people = join(folder, "people.yaml");
  writeFileSync(
    people,
    `publicUrl: https://packages.example.test
access: { anonymous: read, grants: [{ to: everyone, may: publish }] }
login:
  oidc: { issuer: "https://id.example.test", clientId: holdfast, clientSecretFile: oidc }
  ldap: { url: "ldaps://ldap.example.test", base: "dc=example", bindDn: "cn=reader", bindPasswordFile: ldap, timeout: 90s }
trustedPublishers:
  - { issuer: "https://ci.example.test", claims: { project_id: "42" }, repositories: [own], packages: ["@acme/*"] }
repositories:
  npm: false
  own: { format: other, offline: true, hosted: { quota: 1GiB } }
`,
  );
  const { code, out } = await config("show", "--config", people);
  expect(code).toBe(0);
  expect(out).toContain(`access:
  anonymous: read
  teams: {}
  grants:
    - to: everyone
      may: publish
login:
  oidc:
    issuer: https://id.example.test
    clientId: holdfast
    clientSecretFile: ${folder}/oidc
    scopes:
`);
  expect(out).toContain(`    bindPasswordFile: ${folder}/ldap\n`);
  expect(out).toContain("    timeout: 90s\n");
  expect(out).toContain(`trustedPublishers:
  - issuer: https://ci.example.test
    audiences:
      - packages.example.test
      - npm:packages.example.test
    claims:
      project_id: "42"
`);
  expect(out).toContain(`    hosted:
      trash: 30d
      replace: false
      quota: 1GiB
      fileLimit: 5GiB
`);
  expect(out).not.toContain("-secret");
  // It is in the words of the file, so that it can be read as one.
  const again = join(folder, "again.yaml");
  writeFileSync(again, `${out}  npm: false\n`);
  expect(await config("show", "--config", again)).toEqual({ code: 0, out, err: "" });
});

test("schema prints the JSON Schema", async () => {
  const { code, out } = await config("schema");
  expect(code).toBe(0);
  expect(JSON.parse(out).properties.listen.default).toBe("127.0.0.1:4653");
});

test("without a word it is wrong usage", async () => {
  expect((await config()).code).toBe(2);
});
