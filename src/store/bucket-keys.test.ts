// Keys that hold for a time: read again when their files change, and had anew from the services of AWS, which the tests play.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FakeBucket, startFakeBucket } from "../../test/support/fake-bucket.ts";
import type { KeySource } from "../core/bucket-key.ts";
import { inFull } from "../core/problem.ts";
import { openBucket } from "./bucket.ts";
import { createKeys } from "./bucket-keys.ts";
import { testPlace } from "./bucket-testkit.ts";

const MINUTE = 60_000;
let folder: string;
let fake: FakeBucket;
const stops: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-keys-"));
  fake = startFakeBucket();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await fake.stop();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const files = (): KeySource => ({
  from: "files",
  accessKey: file("key", "first\n"),
  secretKey: file("secret", "one\n"),
  sessionToken: file("token", "token of first\n"),
});
const change = () => {
  file("key", "second\n");
  file("secret", "two\n");
  file("token", "token of second\n");
};
const FIRST = { accessKey: "first", secretKey: "one", sessionToken: "token of first" };
const SECOND = { accessKey: "second", secretKey: "two", sessionToken: "token of second" };
const placeOf = (keySource: KeySource, key = FIRST) =>
  testPlace("x", { endpoint: fake.endpoint, ...key, keySource });

/** What answers as a service of AWS does. */
function service(answer: (request: Request) => Response | Promise<Response>): string {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  stops.push(() => server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}
const record = (name: string, endsAt: number) =>
  Response.json({
    ...{ AccessKeyId: name, SecretAccessKey: "s", Token: `token of ${name}` },
    Expiration: new Date(endsAt).toISOString(),
  });

test("a key in files is read again after a while, whatever of it has changed", async () => {
  let now = 1_000_000;
  const keys = createKeys(placeOf(files()), 1000, () => now);
  expect(await keys.current()).toEqual(FIRST);
  change();
  expect(await keys.current()).toEqual(FIRST);
  now += 10_000;
  expect(await keys.current()).toEqual(SECOND);
  rmSync(join(folder, "token"));
  file("secret", "");
  now += 10_000;
  expect(await keys.current()).toEqual(SECOND);
});

test("a key that is refused is read again at once, and the question asked again; the token goes with it", async () => {
  fake.set({
    refuses: ({ headers }) =>
      headers.get("x-amz-security-token") === "token of second"
        ? null
        : { status: 400, code: "ExpiredToken" },
  });
  const bucket = openBucket(placeOf(files()), { pauseMs: 1 });
  const bytes = Buffer.from("bytes");
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  await expect(bucket.put("a", bytes, sha256, "isNew")).rejects.toThrow(
    "does not take the session token of the access key (ExpiredToken)",
  );
  expect(fake.asked).toHaveLength(1); // there was no other one
  change();
  expect(await bucket.put("a", bytes, sha256, "isNew")).toBe(true);
  const keys = fake.asked
    .slice(1)
    .map((one) => /Credential=(\w+)/.exec(`${one.headers.get("authorization")}`)?.[1]);
  expect(keys).toEqual(["first", "second"]);
  expect((await bucket.read("a", 100))?.bytes).toEqual(new Uint8Array(bytes));
});

test("a URL has the token in it, and it is signed for", async () => {
  const url = new URL(await openBucket(placeOf(files())).link("a", "GET", 60, {}));
  expect(url.searchParams.get("X-Amz-Security-Token")).toBe("token of first");
  expect(url.searchParams.get("X-Amz-Credential")).toStartWith("first/");
});

test("a bucket that wants a token is told so where none is given", async () => {
  fake.set({ refuses: () => ({ status: 400, code: "InvalidToken" }) });
  const place = testPlace("x", { endpoint: fake.endpoint, accessKey: "ASIA" });
  const error = await openBucket(place)
    .get("a")
    .catch((error) => error);
  expect(error.message).toEndWith("wants a session token with the access key (InvalidToken)");
  // Whose key it is and what the service says of it is for operators: clients are told the rest.
  expect(inFull(error)).toBe(`${error.message} (access key ASIA; In words)`);
});

test("a key of a role is had for a token in a file, before the first ends, and nobody waits for the next", async () => {
  let now = Date.parse("2026-01-02T03:00:00Z");
  const asked: string[] = [];
  const url = service(async (request) => {
    const said = new URLSearchParams(await request.text());
    asked.push([...said.entries()].map(([name, value]) => `${name}=${value}`).join(" "));
    return new Response(
      `<AssumeRoleWithWebIdentityResponse><Credentials><SessionToken>t&amp;${asked.length}</SessionToken><SecretAccessKey>s</SecretAccessKey><Expiration>${new Date(now + 60 * MINUTE).toISOString()}</Expiration><AccessKeyId>key${asked.length}</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResponse>`,
    );
  });
  const source: KeySource = {
    ...{ from: "web-identity", url, role: "arn:aws:iam::1:role/a b", session: "holdfast" },
    tokenFile: file("jwt", "one.two.three\n"),
  };
  const keys = createKeys(placeOf(source), 1000, () => now);
  const [first, same] = await Promise.all([keys.current(), keys.current()]);
  expect(first).toEqual({ accessKey: "key1", secretKey: "s", sessionToken: "t&1" });
  expect(same).toBe(first);
  expect(asked).toEqual([
    "Action=AssumeRoleWithWebIdentity Version=2011-06-15 RoleArn=arn:aws:iam::1:role/a b RoleSessionName=holdfast WebIdentityToken=one.two.three",
  ]);
  now += 39 * MINUTE;
  expect(await keys.current()).toBe(first);
  expect(asked).toHaveLength(1);
  now += 2 * MINUTE;
  file("jwt", "four.five.six\n"); // Kubernetes writes a new one every hour
  expect(await keys.current()).toBe(first);
  while ((await keys.current()).accessKey === "key1") await Bun.sleep(1);
  expect(asked[1]).toEndWith("WebIdentityToken=four.five.six");
});

test("a service that fails is asked again, and its key is used for as long as it holds", async () => {
  let now = Date.parse("2026-01-02T03:00:00Z");
  let isAway = false;
  let asked = 0;
  const url = service(() => {
    asked += 1;
    return isAway
      ? new Response(
          "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not you</Message></Error></ErrorResponse>",
          { status: 403 },
        )
      : record("key", now + 60 * MINUTE);
  });
  const source: KeySource = {
    from: "container",
    url: `${url}/creds`,
    tokenFile: null,
    token: null,
  };
  const keys = createKeys(placeOf(source), 1000, () => now);
  expect((await keys.current()).accessKey).toBe("key");
  isAway = true;
  now += 50 * MINUTE;
  for (const _ of [1, 2, 3]) expect((await keys.current()).accessKey).toBe("key");
  while (asked < 2) await Bun.sleep(1);
  now += 11 * MINUTE;
  await expect(keys.current()).rejects.toThrow(/has no key: 127\.0\.0\.1:\d+ answers 403: Not you/);
  isAway = false;
  expect((await keys.current()).accessKey).toBe("key");
});

test("a container's key is asked for with the token that it was given for that", async () => {
  const url = service((request) =>
    new URL(request.url).pathname === "/v1/credentials" &&
    request.headers.get("authorization") === "let me in"
      ? record("container", Date.now() + 60 * MINUTE)
      : new Response("no", { status: 401 }),
  );
  const at = (tokenFile: string | null, token: string | null): KeySource => ({
    ...{ from: "container", url: `${url}/v1/credentials`, tokenFile, token },
  });
  const keyOf = (source: KeySource) => createKeys(placeOf(source), 1000).current();
  const key = { accessKey: "container", secretKey: "s", sessionToken: "token of container" };
  expect(await keyOf(at(file("allowed", "let me in\n"), null))).toEqual(key);
  expect(await keyOf(at(null, "let me in"))).toEqual(key);
  await expect(keyOf(at(null, null))).rejects.toThrow("answers 401");
});

test("a key of the machine itself is asked for through nobody, whatever proxy the environment names", async () => {
  const at = service(() => record("near", Date.now() + 60 * MINUTE));
  const heard: string[] = [];
  const proxy = service((request) => {
    heard.push(request.url);
    return new Response("no", { status: 502 });
  });
  const names = ["HTTP_PROXY", "http_proxy"];
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) process.env[name] = proxy;
  try {
    const source: KeySource = { from: "container", url: at, tokenFile: null, token: "let me in" };
    expect((await createKeys(placeOf(source), 1000).current()).accessKey).toBe("near");
    expect(heard).toEqual([]);
  } finally {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
});

test("a machine's key is asked for in the way that forwarded requests cannot take", async () => {
  const url = service((request) => {
    const { pathname } = new URL(request.url);
    const { headers, method } = request;
    if (pathname === "/latest/api/token")
      return method === "PUT" && headers.has("x-aws-ec2-metadata-token-ttl-seconds")
        ? new Response("session")
        : new Response("no", { status: 405 });
    if (headers.get("x-aws-ec2-metadata-token") !== "session")
      return new Response("no", { status: 401 });
    if (pathname === "/latest/meta-data/iam/security-credentials/") return new Response("packages");
    return pathname.endsWith("/security-credentials/packages")
      ? record("machine", Date.now() + 60 * MINUTE)
      : new Response("no", { status: 404 });
  });
  const keys = createKeys(placeOf({ from: "instance", url }), 1000);
  expect((await keys.current()).accessKey).toBe("machine");
});

const faults: [title: string, answer: () => Response | Promise<Response>, told: string][] = [
  ["no JSON", () => new Response("<html>"), "no JSON"],
  [
    "a key without an end",
    () => Response.json({ AccessKeyId: "k", SecretAccessKey: "s", Token: "t" }),
    "no key with an end",
  ],
  ["nothing", () => Response.json({}), "no key with an end"],
  ["more than a key", () => new Response("x".repeat(100_000)), "answers with more than a key"],
  [
    "another place",
    () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:1/" } }),
    "answers 302",
  ],
];
for (const [title, answer, told] of faults)
  test(`a service that answers ${title} gives no key, and the bucket is away`, async () => {
    const source: KeySource = {
      from: "container",
      url: service(answer),
      tokenFile: null,
      token: null,
    };
    const asked = openBucket(placeOf(source), { silenceMs: 500, pauseMs: 1 }).get("a");
    await expect(asked).rejects.toMatchObject({
      kind: "busy",
      message: expect.stringContaining(told),
    });
    expect(fake.asked).toHaveLength(0);
  });

test("what keeps a key from being had is told in words", async () => {
  const told = (source: KeySource) =>
    createKeys(placeOf(source), 1000)
      .current()
      .catch((error: Error) => error.message);
  const nobody = "http://127.0.0.1:9";
  expect(await told({ from: "instance", url: nobody })).toEndWith(
    "has no key: refused the connection",
  );
  const tokenFile = "/nowhere/token";
  expect(await told({ from: "container", url: nobody, tokenFile, token: null })).toEndWith(
    "has no key: /nowhere/token cannot be read (ENOENT)",
  );
});

test("a service that says nothing is waited for as long as the bucket is", async () => {
  const never = Promise.withResolvers<Response>();
  stops.push(async () => never.resolve(new Response("")));
  const url = service(() => never.promise);
  const source: KeySource = { from: "container", url, tokenFile: null, token: null };
  await expect(createKeys(placeOf(source), 100).current()).rejects.toThrow("has no key");
});
