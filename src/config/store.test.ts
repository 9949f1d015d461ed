import { expect, test } from "bun:test";
import { resolveStore, Store, writtenStore } from "./store.ts";

/** What is made of it, or what was complained of. */
function resolved(value: unknown, env: Record<string, string> = {}) {
  const parsed = Store.safeParse(value);
  if (!parsed.success) return JSON.stringify(parsed.error.issues);
  const complaints: string[] = [];
  const reader = {
    secret: (given: Record<string, string>, name: string) =>
      given[`${name}File`] ?? given[`${name}Env`] ?? null,
    pem: (file?: string) => (file ? "PEM" : undefined),
    env: (name: string) => env[name],
    path: (file: string) => `/etc/${file}`,
  };
  const found = resolveStore(parsed.data, reader as never, (path, message) => {
    complaints.push(`${path.join(".")} ${message}`);
  });
  return complaints.length > 0 ? complaints.join("; ") : found;
}

const plain = {
  endpoint: "https://s3.us-east-1.amazonaws.com",
  region: "us-east-1",
  prefix: "",
  accessKey: "AWS_ACCESS_KEY_ID",
  secretKey: "AWS_SECRET_ACCESS_KEY",
  sessionToken: null,
  keySource: null,
  isPathStyle: false,
  ca: null,
  cache: 10 * 2 ** 30,
  silenceMs: 10_000,
  redirect: null,
};

test("without it there is none", () => expect(resolved(undefined)).toBe(null));

const url = "s3://packages/holdfast";
const good: [written: unknown, place: object, shown: string][] = [
  ["s3://packages", { bucket: "packages" }, "s3://packages"],
  ["s3://packages/", { bucket: "packages" }, "s3://packages"],
  [
    "s3://packages/holdfast/a.b_c-d/",
    { bucket: "packages", prefix: "holdfast/a.b_c-d" },
    "s3://packages/holdfast/a.b_c-d",
  ],
  // A certificate for all names below a host is for none with a dot in it.
  ["s3://my.packages", { bucket: "my.packages", isPathStyle: true }, "s3://my.packages"],
  [
    { url, region: "eu-central-1", accessKeyFile: "k", secretKeyEnv: "S" },
    {
      bucket: "packages",
      prefix: "holdfast",
      endpoint: "https://s3.eu-central-1.amazonaws.com",
      region: "eu-central-1",
      accessKey: "k",
      secretKey: "S",
      keySource: { from: "files", accessKey: "/etc/k", secretKey: null, sessionToken: null },
    },
    url,
  ],
  [
    { url, endpoint: "https://s3.example.com/", ca: "c", cache: "1GiB", redirect: "50MiB" },
    {
      bucket: "packages",
      prefix: "holdfast",
      endpoint: "https://s3.example.com",
      isPathStyle: true,
      ca: "PEM",
      cache: 2 ** 30,
      redirect: 50 * 2 ** 20,
    },
    url,
  ],
];
for (const [written, place, shown] of good)
  test(JSON.stringify(written), () => {
    const found = resolved(written);
    expect(found).toEqual({ ...plain, ...place } as never);
    const told = writtenStore(found as never);
    expect(told).toMatchObject({ url: shown, secretKey: "***" });
  });

const FILES = { accessKeyFile: "k", secretKeyFile: "s" };
const ROLE = { AWS_ROLE_ARN: "arn:aws:iam::1:role/a", AWS_WEB_IDENTITY_TOKEN_FILE: "/t" };
const WEB = { from: "web-identity", role: "arn:aws:iam::1:role/a", tokenFile: "/t" };
const FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const CONTAINER = { from: "container", tokenFile: null, token: null };
const keys: [written: object, env: Record<string, string>, key: object][] = [
  [{}, { AWS_SESSION_TOKEN: "t" }, { sessionToken: "t", keySource: null }],
  [FILES, { AWS_SESSION_TOKEN: "of another key" }, { sessionToken: null }],
  [
    { ...FILES, sessionTokenFile: "t" },
    {},
    {
      sessionToken: "t",
      keySource: {
        from: "files",
        accessKey: "/etc/k",
        secretKey: "/etc/s",
        sessionToken: "/etc/t",
      },
    },
  ],
  [{ sessionTokenEnv: "T" }, {}, { sessionToken: "T", keySource: null }],
  [
    { role: "web-identity", region: "eu-central-1" },
    ROLE,
    { keySource: { ...WEB, session: "holdfast", url: "https://sts.eu-central-1.amazonaws.com" } },
  ],
  [
    { role: "web-identity" },
    { ...ROLE, AWS_ROLE_SESSION_NAME: "p", AWS_ENDPOINT_URL_STS: "https://sts.example.com/" },
    { keySource: { ...WEB, session: "p", url: "https://sts.example.com" } },
  ],
  [
    { role: "container" },
    { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/a" },
    { keySource: { ...CONTAINER, url: "http://169.254.170.2/v2/a" } },
  ],
  [
    { role: "container" },
    {
      [FULL]: "http://169.254.170.23/v1/credentials",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/t",
    },
    { keySource: { ...CONTAINER, url: "http://169.254.170.23/v1/credentials", tokenFile: "/t" } },
  ],
  [{ role: "instance" }, {}, { keySource: { from: "instance", url: "http://169.254.169.254" } }],
];
for (const [written, env, key] of keys)
  test(`the key of ${JSON.stringify(written)} with ${JSON.stringify(env)}`, () => {
    const found = resolved({ url, ...written }, env);
    expect(found).toMatchObject(key);
    const shown = JSON.stringify(writtenStore(found as never));
    if ("role" in written) expect(shown).toContain(`"role":"${written.role}"`);
    else expect(shown).toContain('"secretKey":"***"');
    expect(shown.includes('"sessionToken":"***"')).toBe(
      "sessionToken" in key && key.sessionToken !== null,
    );
  });

const unkeyed: [written: object, env: Record<string, string>, why: string][] = [
  [{ role: "web-identity" }, { AWS_ROLE_ARN: "a" }, "AWS_WEB_IDENTITY_TOKEN_FILE is not set"],
  [{ role: "container" }, {}, `${FULL} is not set`],
  [
    { role: "container" },
    { [FULL]: "http://keys.example.com/a" },
    "in the clear from keys.example",
  ],
  [{ role: "container" }, { [FULL]: "/v2/a" }, "/v2/a is no URL"],
  [{ role: "instance", ...FILES }, {}, "has its own key: leave accessKey out"],
  [{ role: "instance", sessionTokenEnv: "T" }, {}, "has its own key: leave sessionToken out"],
  [{ role: "admin" }, {}, "role"],
];
for (const [written, env, why] of unkeyed)
  test(`${JSON.stringify(written)} with ${JSON.stringify(env)} is refused`, () =>
    expect(resolved({ url, ...written }, env)).toContain(why));

const bad: [written: unknown, why: string][] = [
  ["packages", "expected s3://"],
  ["https://s3.example.com/packages", "expected s3://"],
  ["s3://Packages", "expected s3://"],
  ["s3://ab", "expected s3://"],
  ["s3://packages//a", "expected s3://"],
  ["s3://packages/../a", "expected s3://"],
  ["s3://packages/a b", "expected s3://"],
  ["s3://packages/a+b", "expected s3://"],
  [{ url, region: "eu central" }, "expected the name of a region"],
  [{ url, endpoint: "s3.example.com" }, "expected an http"],
  [{ url, endpoint: "https://ann:secret@s3.example.com" }, "without a user name"],
  [{ url, endpoint: "https://s3.example.com/?a" }, "has a ? or a #"],
  [{ url, endpoint: "http://s3.example.com", ca: "c" }, "without TLS"],
  [{ url, endpoint: "https://s3.example.com/a", pathStyle: false }, "has a path"],
  [{ url, cache: "1MiB" }, "64MiB at least"],
  [{ url, timeout: "0s" }, "longer than 0s"],
  [{ url, redirect: "1kB" }, "1MiB at least"],
  [{ url, secretKey: "secret" }, "secretKey"],
];
for (const [written, why] of bad)
  test(`${JSON.stringify(written)} is refused`, () => expect(resolved(written)).toContain(why));
