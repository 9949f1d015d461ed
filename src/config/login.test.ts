import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { tempFolder } from "../../test/support/temp.ts";
import { ConfigError } from "./errors.ts";
import { loadConfig } from "./load.ts";

const folder = tempFolder("login");
const file = join(folder, "holdfast.yaml");
writeFileSync(join(folder, "secret"), "s3cret\n");

function load(settings: object) {
  writeFileSync(file, JSON.stringify(settings, null, 1));
  const formats = [{ name: "npm", options: z.strictObject({}) }];
  return loadConfig({ file, formats, flags: {}, env: {} });
}
function mistakes(settings: object): string {
  try {
    load(settings);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

const publisher = {
  issuer: "https://ci.example.com",
  claims: { project_id: "42" },
  repositories: ["npm"],
  packages: ["@acme/*"],
};

test("for whom a job's token may be follows from what is written, and never from a request", () => {
  const publicUrl = "https://packages.example.com:8443/holdfast";
  const [own] = load({ publicUrl, trustedPublishers: [publisher] }).trustedPublishers;
  expect(own?.audiences).toEqual([
    "packages.example.com",
    "packages.example.com:8443",
    "npm:packages.example.com",
    "npm:packages.example.com:8443",
  ]);
  const said = { ...publisher, audiences: ["us"] };
  expect(load({ trustedPublishers: [said] }).trustedPublishers[0]?.audiences).toEqual(["us"]);
  expect(mistakes({ trustedPublishers: [publisher] })).toContain("needs audiences, or publicUrl");
});

const wrong: [what: string, change: object, why: string][] = [
  ["no claim", { claims: {} }, "at least one claim"],
  ["a subject with a star", { claims: { sub: "repo:acme/*" } }, "`sub` is written in ways"],
  ["plain HTTP", { issuer: "http://ci.example.com" }, "expected an https:// URL"],
  ["a repository that is not there", { repositories: ["nmp"] }, "there is no repository nmp"],
  ["an administrator", { may: ["admin"] }, "may"],
];
for (const [what, change, why] of wrong)
  test(`a publisher with ${what} is a mistake`, () => {
    const one = { ...publisher, audiences: ["us"], ...change };
    expect(mistakes({ trustedPublishers: [one] })).toContain(why);
  });

test("a provider and a directory have their secrets read, and nothing is sent in the clear", () => {
  const oidc = {
    issuer: "https://id.example.com",
    clientId: "holdfast",
    clientSecretFile: join(folder, "secret"),
  };
  expect(load({ login: { oidc } }).login.oidc?.clientSecret).toBe("s3cret");
  expect(mistakes({ login: { oidc: { ...oidc, issuer: "http://id.example.com" } } })).toContain(
    "expected an https:// URL",
  );
  const ldap = { url: "ldap://ldap.example.com", base: "dc=example" };
  expect(mistakes({ login: { ldap } })).toContain("in the clear");
  expect(load({ login: { ldap: { ...ldap, startTls: true } } }).login.ldap?.startTls).toBe(true);
});
