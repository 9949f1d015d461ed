import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { z } from "zod";
import { type HookReceiver, startHookReceiver } from "../../test/support/hook-receiver.ts";
import { tarOf } from "../../test/support/tar.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { waitFor } from "../../test/support/wait.ts";
import { loadConfig } from "../config/load.ts";
import { createLog } from "../core/log.ts";
import { archive } from "../formats/composer/testdata/archives.ts";
import { formats } from "../formats/index.ts";
import { readReceipt } from "../ledger/log/prove.ts";
import { commands } from "../main.ts";
import { type Running, start } from "../server/start.ts";

// biome-ignore lint/suspicious/noExplicitAny: JSON as a client reads it
type Json = any;

let server: Running;
let receiver: HookReceiver;
let document: Json;
let admin = "";
let reader = "";

const others = { pypi: false, go: false, composer: false, debian: false, "debian-security": false };

beforeAll(async () => {
  const home = tempFolder("api");
  const file = join(home, "holdfast.yaml");
  const feed = join(home, "feed");
  mkdirSync(feed);
  const record = {
    id: "MAL-1",
    aliases: ["CVE-2026-1"],
    modified: "2026-01-01T00:00:00Z",
    affected: [{ package: { ecosystem: "npm", name: "bad" }, versions: ["1.0.0"] }],
  };
  writeFileSync(join(feed, "MAL-1.json"), JSON.stringify(record));
  const affected = [{ package: { ecosystem: "npm", name: "@acme/app" }, versions: ["1.0.0"] }];
  const own = { ...record, id: "ACME-1", aliases: [], affected };
  writeFileSync(join(feed, "ACME-1.json"), JSON.stringify(own));
  receiver = await startHookReceiver("whsec_bm9ib2R5IGNoZWNrcyBpdCBoZXJl");
  writeFileSync(
    file,
    JSON.stringify({
      access: {
        anonymous: "none",
        grants: [{ to: "user:rea", may: "read", packages: ["@acme/*"] }],
      },
      policy: [{ name: "bad", packages: ["pkg:npm/bad"], block: "malware" }],
      feeds: [{ name: "gap", directory: feed }],
      hooks: [{ name: "chat", url: receiver.url, events: ["publish"] }],
      repositories: {
        ...others,
        npm: { offline: true, upstreams: [] },
        php: { format: "composer", offline: true, upstreams: [] },
        release: { format: "npm", offline: true },
      },
    }),
  );
  const flags = { data: join(home, "data"), listen: "127.0.0.1:0" };
  const load = () => loadConfig({ file, formats, flags, env: {} });
  server = await start({ config: load(), load, log: createLog("json", () => {}) });
  admin = await tokenOf("ann", true);
  reader = await tokenOf("rea", false);
  document = await (await ask("GET", "/-/api/openapi.json")).json();
  await publish("@acme/app", "1.0.0");
  await publish("@acme/app", "1.1.0");
  await publish("other", "1.0.0");
});
afterAll(async () => {
  await server.stop(0);
  receiver.stop();
});

/** As the operator does on the server's machine. */
async function command(name: string, given: object): Promise<string[]> {
  const lines: string[] = [];
  const values = { command: name, given: JSON.stringify(given), by: "test" };
  await server.operations.run(
    { name: "accounts", repository: "", flags: new Set(), values },
    { progress() {}, say: (line) => void lines.push(line), signal: new AbortController().signal },
  );
  return lines;
}

async function tokenOf(user: string, isAdmin: boolean): Promise<string> {
  await command("user add", { name: user, admin: isAdmin });
  const scope = { repositories: null, packages: null, actions: null };
  return (await command("token create", { user, name: "test", scope }))[0]!;
}

interface Asked {
  token?: string | undefined;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Bytes are sent as they are. */
function ask(method: string, path: string, { token, body, headers = {} }: Asked = {}) {
  const isFile = body instanceof Uint8Array;
  return fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && !isFile && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: isFile ? new Uint8Array(body) : JSON.stringify(body) }),
  });
}

const api = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  ask(method, `/-/api/v1${path}`, { token: admin, body, headers });

async function publish(name: string, version: string): Promise<void> {
  const bytes = gzipSync(tarOf("package/package.json", JSON.stringify({ name, version })));
  const file = `${name}-${version}.tgz`;
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  const shasum = createHash("sha1").update(bytes).digest("hex");
  const tarball = `${server.url}/npm/${name}/-/${file}`;
  const manifest = { name, version, dist: { integrity, shasum, tarball } };
  const data = bytes.toString("base64");
  const attachment = { content_type: "application/octet-stream", data, length: bytes.length };
  const response = await ask("PUT", `/npm/${name.replace("/", "%2f")}`, {
    token: admin,
    body: {
      _id: name,
      name,
      "dist-tags": { latest: version },
      versions: { [version]: manifest },
      _attachments: { [file]: attachment },
    },
  });
  if (!response.ok) throw new Error(await response.text());
}

/** Every operation of the document. */
function operations(): { method: string; path: string; operation: Json }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods as Json).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
}

const example: Record<string, string> = {
  repository: "npm",
  package: "@acme%2fapp",
  version: "1.0.0",
  user: "ann",
  team: "web",
  grant: "none",
  token: "none",
  operation: "none",
  hook: "chat",
  message: "none",
  event: "0",
  block: "none",
  job: "none",
  silence: "none",
};
const pathOf = (path: string) => path.replaceAll(/\{(\w+)\}/g, (_, name) => example[name]!);

/** Fails unless the answer is what the document says. */
async function checked(response: Response, path: string, method: string): Promise<Json> {
  const { responses } = document.paths[path][method.toLowerCase()];
  const said = responses[response.status] ?? responses.default;
  const text = await response.text();
  const type = response.headers.get("content-type");
  if (!said.content) {
    expect([method, path, text]).toEqual([method, path, ""]);
    return null;
  }
  const { schema } = said.content[type ?? ""] ?? {};
  expect([method, path, type, schema !== undefined]).toEqual([method, path, type, true]);
  const whole = { ...schema, $defs: document.components.schemas };
  const moved = JSON.parse(JSON.stringify(whole).replaceAll("#/components/schemas/", "#/$defs/"));
  const parsed = z.fromJSONSchema(moved).safeParse(JSON.parse(text));
  expect([method, path, parsed.error?.message]).toEqual([method, path, undefined]);
  return JSON.parse(text);
}

describe("every operation", () => {
  test("there are some, each with a name of its own", () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(ids.length).toBeGreaterThan(30);
    expect(new Set(ids).size).toBe(ids.length);
    expect(document.openapi).toStartWith("3.1");
  });

  const callers: [who: string, token: () => string | undefined, want: number][] = [
    ["who gives no name", () => undefined, 401],
    ["who has a token that is none", () => "hf_none", 401],
    ["who may read something else", () => reader, 403],
  ];
  for (const [who, token, want] of callers)
    test(`tells ${who} no, in the words of RFC 9457, before it looks at what was sent`, async () => {
      for (const { method, path } of operations()) {
        const mayRead =
          want === 403 &&
          method === "GET" &&
          !/users|teams|grants|tokens|audit|operations|trash|hooks|state|settings|jobs|fetches|withheld|blocks|alarms/.test(
            path,
          );
        const mayPromote = want === 403 && path.endsWith("/promote");
        const mayAsk = want === 403 && path.endsWith("/readiness");
        const isOpen = path === "/me" || mayRead || mayPromote || mayAsk;
        const response = await ask(method, `/-/api/v1${pathOf(path)}`, { token: token() });
        const body = await checked(response, path, method);
        if (isOpen) continue;
        expect([method, path, response.status, body.status]).toEqual([method, path, want, want]);
        if (want === 401) expect(response.headers.get("www-authenticate")).toContain("Basic");
      }
    });

  test("what may not be read is told as what is not there", async () => {
    const about = async (path: string) => {
      const response = await ask("GET", `/-/api/v1${path}`, { token: reader });
      return `${response.status} ${(await response.text()).replaceAll(/other|none/g, "X")}`;
    };
    const packages = "/repositories/npm/packages";
    expect(await about(`${packages}/other`)).toBe(await about(`${packages}/none`));
    const { items } = (await (
      await ask("GET", `/-/api/v1${packages}`, { token: reader })
    ).json()) as Json;
    expect(items).toEqual([{ name: "@acme/app" }]);
  });

  test("that takes the only administrator away, or names no repository of this server, is refused", async () => {
    const refused = await api("DELETE", "/users/ann");
    expect([refused.status, (await refused.json()).detail]).toEqual([
      409,
      expect.stringContaining("ann is the only administrator"),
    ]);
    const token = { name: "x", scope: { repositories: ["nmp"] } };
    const made = await api("POST", "/users/ann/tokens", token);
    expect([made.status, await made.text()]).toEqual([
      400,
      expect.stringContaining("There is no repository nmp; there are: npm, php, release"),
    ]);
    expect(
      (await api("POST", "/grants", { holder: "team:nobody", actions: ["read"] })).status,
    ).toBe(404);
    await api("PUT", "/users/zoe", { password: "correct horse" });
    await api("PUT", "/users/zoe/password", { password: null });
    expect(await (await api("GET", "/users/zoe")).json()).toMatchObject({
      hasPassword: false,
      isAdmin: false,
    });
    await api("DELETE", "/users/zoe");
  });

  test("of a command is one of the API as well, and the others say why not", () => {
    const told = operations().flatMap(({ operation }) => [
      ...(operation.description as string).matchAll(/As `holdfast ([^`]+)`/g),
    ]);
    const house =
      document.paths["/operations"].post.requestBody.content["application/json"].schema.properties
        .name.enum;
    const here = new Set([...told.map(([, name]) => name!), ...house]);
    const ofFormats = formats.flatMap(({ operations = [] }) => operations.map(({ name }) => name));
    for (const name of ofFormats) here.add(name); // /repositories/{repository}/operations
    const elsewhere = {
      serve: "is the server",
      setup: "writes on the client's machine",
      doctor: "looks at the machine before a server runs",
      health: "asks the server",
      config: "looks at a file",
      completion: "is for the shell that it is typed in",
      "import verdaccio": "reads a folder of another server's machine, and publishes as clients do",
      backup: "writes to a folder of the server's machine, or a bucket",
      "backup verify": "looks at a folder of the server's machine, or a bucket",
      "backup show": "looks at a folder of the server's machine, or a bucket",
      move: "works where the server has stopped, and takes its data away",
      restore: "makes what a server is then started on",
      "policy test": "looks at a file",
      "feeds import": "reads a path of the server's machine",
      "ledger key": "is /-/log/key",
      "ledger compare": "asks another server in the name of who runs it",
      "ledger verify": "looks at a file",
    };
    const names = commands().map(({ name }) => name);
    expect(names.filter((name) => !here.has(name) && !(name in elsewhere))).toEqual([]);
    expect([...here].filter((name) => !names.includes(name))).toEqual([]);
  });
});

test("each does what it says, and answers as the document says", async () => {
  const called = new Set<string>();
  const call = async (method: string, path: string, body?: unknown, want?: number) => {
    const form = Object.keys(document.paths).find(
      (one) =>
        new RegExp(`^${one.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path.split("?")[0]!) &&
        document.paths[one][method.toLowerCase()],
    )!;
    called.add(`${method} ${form}`);
    const response = await api(method, path, body);
    const answer = await checked(response, form, method);
    const success = Number(Object.keys(document.paths[form][method.toLowerCase()].responses)[0]);
    expect([method, path, response.status, response.ok ? undefined : answer?.detail]).toEqual([
      method,
      path,
      want ?? success,
      want ? expect.any(String) : undefined,
    ]);
    return answer;
  };

  expect(await call("GET", "/me")).toMatchObject({ kind: "user", name: "ann", isAdmin: true });
  expect((await call("GET", "/repositories")).items.map(({ name }: Json) => name)).toEqual([
    "npm",
    "php",
    "release",
  ]);
  expect(await call("GET", "/repositories/npm")).toMatchObject({ format: "npm", offline: true });
  await call("GET", "/repositories/none", undefined, 404);
  const settings = await call("GET", "/settings?repository=php");
  expect(settings.file).toEndWith("holdfast.yaml");
  expect(settings.items).toContainEqual({
    path: "repositories.php.format",
    repository: "php",
    value: "composer",
    line: 1,
    from: null,
  });
  const ofServer = (await call("GET", "/settings?repository=-")).items;
  expect(ofServer.every(({ repository }: Json) => repository === null)).toBe(true);
  expect(JSON.stringify(await call("GET", "/settings"))).not.toContain("whsec_");
  await call("GET", "/settings?repository=none", undefined, 404);

  const app = "/repositories/npm/packages/@acme%2Fapp";
  expect((await call("GET", "/repositories/npm/packages?search=app")).items).toEqual([
    { name: "@acme/app" },
  ]);
  expect((await call("GET", app)).releases.map(({ version }: Json) => version)).toEqual([
    "1.0.0",
    "1.1.0",
  ]);
  expect((await call("GET", `${app}/releases/1.0.0`)).files).toHaveLength(1);
  expect(await call("PUT", `${app}/releases/1.0.0/yank`, { reason: "bad" })).toMatchObject({
    yanked: "bad",
  });
  expect(await call("DELETE", `${app}/releases/1.0.0/yank`)).toMatchObject({ yanked: null });
  expect(await call("POST", `${app}/releases/1.0.0/promote`, { to: "release" })).toEqual({
    isNew: true,
  });
  expect(await call("POST", `${app}/releases/1.0.0/promote`, { to: "release" })).toEqual({
    isNew: false,
  });
  await call("POST", `${app}/releases/1.0.0/promote`, { to: "none" }, 403);
  expect(await call("DELETE", `${app}/releases/1.1.0`)).toEqual({ files: 1 });
  expect((await call("GET", "/repositories/npm/trash")).items).toMatchObject([
    { package: "@acme/app", version: "1.1.0", removedBy: "ann (token test)" },
  ]);
  expect(await call("POST", `${app}/restore`, { version: "1.1.0" })).toEqual({ files: 1 });
  expect(await call("DELETE", "/repositories/npm/packages/other")).toEqual({ files: 1 });
  expect(await call("DELETE", "/repositories/npm/trash")).toMatchObject({ files: 1 });

  const kit = "/repositories/php/packages/acme%2Fkit";
  const published = { package: "acme/kit", version: "1.0.0", file: "1.0.0.0/.zip" };
  const zip = archive({ name: "acme/kit" });
  for (const isNew of [true, false])
    expect(await call("PUT", `${kit}/releases/1.0.0/files/kit.zip`, zip)).toEqual({
      published: [{ ...published, isNew }],
    });
  const other = archive({ name: "acme/kit", files: { more: "" } });
  await call("PUT", `${kit}/releases/1.0.0/files/kit.zip`, other, 409);
  await call("PUT", `${kit}/releases/1.0.0/files/kit.zip?suite=x`, zip, 400);
  await call("PUT", `${app}/releases/3.0.0/files/app.tgz`, zip, 405);
  const said = archive({ name: "acme/kit", version: "1.1.0" });
  expect((await call("PUT", "/repositories/php/files/kit.zip", said)).published).toMatchObject([
    { package: "acme/kit", version: "1.1.0", isNew: true },
  ]);
  await call("PUT", "/repositories/php/files/kit.zip", zip, 400);
  await call("PUT", `${kit}/abandoned`, { replacement: "acme/ui" });
  const p2 = async () =>
    (await (await ask("GET", "/php/p2/acme/kit.json", { token: admin })).json()).packages;
  expect((await p2())["acme/kit"][0].abandoned).toBe("acme/ui");
  await call("PUT", `${kit}/abandoned`, { replacement: "not a name" }, 400);
  await call("DELETE", `${kit}/abandoned`);
  expect((await p2())["acme/kit"][0]).not.toHaveProperty("abandoned");
  await call("PUT", `${app}/abandoned`, {}, 405);
  await call("PUT", `${kit}/releases/1.1.0/yank`, { reason: "bad" });
  expect((await p2())["acme/kit"].map(({ version }: Json) => version)).toEqual(["1.0.0"]);

  expect(
    await call("PUT", "/users/ben", { email: "ben@example.com", password: "correct horse" }),
  ).toMatchObject({ name: "ben", hasPassword: true });
  expect(await call("PUT", "/users/ben", { fullName: "Ben" })).toMatchObject({
    email: "ben@example.com",
    fullName: "Ben",
  });
  expect(await call("GET", "/users/ben")).toMatchObject({ disabledAt: null });
  expect((await call("GET", "/users")).items).toHaveLength(3);
  expect((await call("GET", "/users?search=BEN@")).items).toMatchObject([{ name: "ben" }]);
  await call("PUT", "/users/ben/password", { password: "battery staple" });
  expect((await call("PUT", "/users/ben/disabled")).disabledAt).toBeString();
  expect((await call("DELETE", "/users/ben/disabled")).disabledAt).toBeNull();
  expect(
    await call("POST", "/users/import", { htpasswd: "cat:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nx\n" }),
  ).toMatchObject({ added: ["cat"] });
  await call("PUT", "/teams/web");
  await call("PUT", "/teams/web");
  await call("PUT", "/teams/web/members/ben");
  const web = { name: "web", members: ["ben"], isStored: true, configured: [] };
  expect((await call("GET", "/teams")).items).toEqual([web]);
  expect(await call("GET", "/teams/web")).toEqual(web);
  await call("GET", "/teams/none", undefined, 404);
  expect(await call("GET", "/users/ben/invitation")).toEqual({ open: null });
  const invitation = await call("POST", "/users/ben/invitation", { days: 1 });
  expect(invitation.path).toStartWith("/-/invitation?code=hf_invite_");
  expect((await call("GET", "/users/ben/invitation")).open.createdBy).toBe("ann (token test)");
  await call("DELETE", "/users/ben/invitation?reason=a%20mistake");
  await call("POST", "/users/ben/invitation", { days: 31 }, 400);
  const { id: given } = await call("POST", "/grants", {
    holder: "team:web",
    actions: ["read"],
    repository: "npm",
  });
  expect((await call("GET", "/users/ben/access")).grants).toMatchObject([
    { id: given, holder: "team:web" },
  ]);
  expect((await call("GET", "/grants")).items.length).toBeGreaterThan(1);
  expect(await call("GET", `/grants/${given}`)).toMatchObject({ holder: "team:web" });
  await call("DELETE", `/grants/${given}`);
  await call("DELETE", `/grants/${given}`);
  await call("GET", `/grants/${given}`, undefined, 404);
  await call("DELETE", "/teams/web/members/ben");
  await call("DELETE", "/teams/web");
  const token = await call("POST", "/users/ben/tokens", {
    name: "ci",
    scope: { actions: ["read"] },
  });
  expect(token.secret).toStartWith("hf_");
  const listed = (await call("GET", "/tokens?user=ben")).items;
  expect(listed).toMatchObject([{ id: token.id, name: "ci", prefix: token.prefix }]);
  expect(JSON.stringify(listed)).not.toContain(token.secret);
  expect((await call("GET", "/tokens")).items[0].id).toBe(token.id);
  expect(await call("GET", `/tokens/${token.id}`)).toMatchObject({ name: "ci", owner: "ben" });
  await call("DELETE", `/tokens/${token.id}?reason=lost`);
  await call("GET", `/tokens/${token.id}`, undefined, 404);
  expect((await call("GET", "/audit?action=revoke%20token")).items[0].detail.reason).toBe("lost");
  expect(
    ((await ask("GET", "/-/api/v1/me", { token: token.secret }).then((r) => r.json())) as Json)
      .fault,
  ).toContain("was revoked");
  await call("DELETE", "/users/ben");
  await call("DELETE", "/users/ben");

  expect((await call("GET", "/repositories/npm/held")).items).toEqual([]);
  const young = "/repositories/npm/packages/young/releases/1.0.0/policy";
  expect(await call("GET", young)).toMatchObject({ withheld: null, waivers: [] });
  const blocked = "/repositories/npm/packages/bad/releases/1.0.0/policy";
  expect((await call("GET", blocked)).withheld).toMatchObject({ verdict: "block", rule: "bad" });
  const reason = "needed for the release";
  const waiver = await call("POST", "/waivers", { purl: "pkg:npm/bad@1.0.0", reason, until: "7d" });
  expect(waiver).toMatchObject({
    purl: "pkg:npm/bad",
    versions: "1.0.0",
    owner: "ann (token test)",
  });
  expect(await call("GET", blocked)).toMatchObject({
    withheld: null,
    waivers: [{ id: waiver.id, reason }],
  });
  for (const wrong of [
    { purl: "bad@1.0.0" },
    { purl: "pkg:npm/bad" },
    { purl: "pkg:npm/bad", versions: "^1" },
    { purl: "pkg:npm/bad@1.0.0", versions: "1.0.0" },
    { purl: "pkg:npm/bad@1.0.0", until: "yesterday" },
    { purl: "pkg:npm/bad@1.0.0", until: "2020-01-01" },
  ])
    await call("POST", "/waivers", { reason, ...wrong }, 400);
  await call("POST", "/waivers", { purl: "pkg:gem/bad@1.0.0", reason }, 404);
  await call("POST", "/waivers", { purl: "pkg:npm/bad@1.0.0", repository: "none", reason }, 404);
  expect((await call("GET", "/waivers")).items).toMatchObject([{ id: waiver.id }]);
  await call("DELETE", `/waivers/${waiver.id}`);
  await call("DELETE", `/waivers/${waiver.id}`);
  expect((await call("GET", blocked)).withheld).toMatchObject({ verdict: "block" });

  const audit = await call("GET", "/audit?limit=3");
  const more = await call("GET", `/audit?limit=3&cursor=${audit.next}`);
  expect(more.items[0].id).toBeLessThan(audit.items[2].id);
  expect((await call("GET", "/audit?action=promote")).items).toHaveLength(1);
  await call("GET", "/audit?cursor=x", undefined, 400);
  server.events.report("npm", { kind: "refused", package: "@acme/app", message: "no" });
  server.events.report("npm", { kind: "refused", package: "other", message: "no" });
  await server.events.settled();
  const events = await call("GET", "/events?limit=1&kind=refused");
  expect(events.items).toMatchObject([{ package: "other" }]);
  expect(await call("GET", `/events?limit=1&kind=refused&cursor=${events.next}`)).toMatchObject({
    items: [{ package: "@acme/app" }],
    next: null,
  });
  const seen = `/events/${events.items[0].id}`;
  expect(await call("GET", seen)).toMatchObject({ package: "other", acknowledged: null });
  expect(await call("PUT", `${seen}/acknowledgement`, { note: "looked into" })).toMatchObject({
    acknowledged: { by: "ann (token test)", note: "looked into" },
  });
  expect((await call("GET", "/events?level=warn&acknowledged=yes")).items).toHaveLength(1);
  expect((await call("GET", "/events?kind=refused&acknowledged=no")).items).toHaveLength(1);
  expect((await call("GET", "/events?kind=refused&level=info")).items).toEqual([]);
  await call("DELETE", `${seen}/acknowledgement`);
  await call("DELETE", `${seen}/acknowledgement`);
  expect((await call("GET", "/events?kind=refused&acknowledged=no")).items).toHaveLength(2);
  const acts = (await call("GET", "/audit?limit=20")).items.map(({ action }: Json) => action);
  // Others are written behind, at any time.
  const own = acts.filter((action: string) => /acknowledge|reopen/.test(action));
  expect(own).toEqual(["reopen", "acknowledge"]);
  await call("GET", "/events/none", undefined, 404);
  await call("PUT", "/events/0/acknowledgement", {}, 404);
  expect((await ask("GET", `/-/api/v1${seen}`, { token: reader })).status).toBe(404);

  const wanted = { purl: "pkg:npm/@acme/app@1.0.0", reason: "taken over" };
  const block = await call("POST", "/blocks", { ...wanted, until: "7d" });
  expect(block).toMatchObject({ purl: "pkg:npm/@acme/app", versions: "1.0.0" });
  await call("POST", "/blocks", { ...wanted, until: "fixed" }, 400);
  expect((await call("GET", "/blocks")).items).toMatchObject([{ id: block.id }]);
  expect((await call("GET", "/waivers")).items).toEqual([]);
  await call("DELETE", `/blocks/${block.id}`);
  await call("DELETE", `/blocks/${block.id}`);
  expect((await call("GET", "/blocks")).items).toEqual([]);
  expect((await call("GET", "/withheld?format=npm")).items).toEqual([]);
  await call("GET", "/withheld?cursor=x", undefined, 400);
  expect(await call("GET", "/withheld/counts")).toEqual({ items: [] });
  expect((await call("GET", "/fetches?package=@acme/app")).items).toEqual([]);
  await call("GET", "/fetches?digest=xyz", undefined, 400);

  const locked = {
    lockfileVersion: 3,
    packages: { "node_modules/@acme/app": { version: "1.0.0" } },
  };
  const ready = "/repositories/npm/readiness";
  const missing = { ...locked.packages, "node_modules/kelp": { version: "1.0.0" } };
  expect(await call("POST", ready, { text: JSON.stringify(locked) })).toMatchObject({
    lock: "package-lock.json",
    counts: { present: 1, missing: 0, held: 0, blocked: 0 },
    releases: [{ package: "@acme/app", state: "present", purl: "pkg:npm/%40acme/app@1.0.0" }],
  });
  const text = JSON.stringify({ ...locked, packages: missing });
  const { counts, releases } = await call("POST", ready, { text });
  expect(counts).toMatchObject({ present: 1, missing: 1 });
  await call("POST", ready, { text: "{}" }, 400);
  await call("POST", `${ready}/fetch`, { releases: [] }, 400);
  const { id: fetching } = await call("POST", `${ready}/fetch`, {
    releases: [{ package: releases[1].package, version: "1.0.0", files: releases[1].files }],
  });
  const fetched = () => call("GET", `/operations/${fetching}`);
  await waitFor(
    async () => (await fetched()).state !== "running",
    () => "what is missing is fetched for ever",
  );
  expect(await fetched()).toMatchObject({ state: "incomplete", progress: { done: 1, total: 1 } });
  expect((await fetched()).lines.at(-1)).toContain("1 could not be had");

  expect(await call("GET", "/state")).toMatchObject({
    state: "serving",
    reasons: [],
    nodes: [],
    lastPolicyChange: { action: "unblock", by: "ann" },
  });
  const ran = "Tidying who fetched what";
  const began = Date.now();
  expect((await call("GET", "/jobs?limit=1000")).items).toContainEqual(
    expect.objectContaining({ name: ran, everySeconds: 21_600 }),
  );
  await call("POST", "/jobs/none/run", undefined, 404);
  const jobOf = async () =>
    (await call("GET", "/jobs?limit=1000")).items.find(({ name }: Json) => name === ran);
  await call("POST", `/jobs/${encodeURIComponent(ran)}/run`);
  expect(Date.parse((await jobOf()).startedAt)).toBeGreaterThanOrEqual(began);
  const theirs = await ask("GET", "/-/api/v1/events", { token: reader });
  expect(((await theirs.json()) as Json).items).toHaveLength(1);

  expect(await call("GET", "/series?names=memory,requests&range=6h&step=30m")).toMatchObject({
    stepSeconds: 3600,
    meanings: { memory: { unit: "bytes" }, requests: { kind: "counter" } },
  });
  for (const wrong of ["names=", "names=memory,none", "range=1y", "step=0", "to=today"])
    await call("GET", `/series?${wrong}`, undefined, 400);
  expect((await call("GET", "/traffic?range=7d&repository=npm")).repositories.at(-1)).toMatchObject(
    { repository: "", requests: expect.any(Number) },
  );
  expect(await call("GET", "/disk/forecast")).toMatchObject({ days: 0, growth: null });
  // Who sees the metrics sees these, which say the same.
  const { status } = await ask("GET", "/-/metrics", { token: reader });
  for (const path of ["series", "traffic"])
    expect((await ask("GET", `/-/api/v1/${path}`, { token: reader })).status).toBe(status);

  const silence = await call("POST", "/alarms/silences", {
    rule: "tampered",
    repository: "npm",
    for: "4h",
    reason: "they move",
  });
  expect(silence).toMatchObject({ rule: "tampered", owner: "ann (token test)" });
  for (const wrong of [
    { rule: "none" },
    { for: "soon" },
    { for: "91d" },
    { for: "0s" },
    { reason: "" },
  ])
    await call("POST", "/alarms/silences", { for: "4h", reason: "x", ...wrong }, 400);
  await call("POST", "/alarms/silences", { for: "4h", reason: "x", repository: "none" }, 404);
  const calling = await call("GET", "/alarms");
  expect(calling).toMatchObject({ items: [], silences: [{ id: silence.id }] });
  expect(calling.rules.length).toBeGreaterThan(10);
  await call("DELETE", `/alarms/silences/${silence.id}`);
  await call("DELETE", `/alarms/silences/${silence.id}`);
  expect((await call("GET", "/alarms")).silences).toEqual([]);

  const told = () => call("GET", "/hooks/chat/messages?state=told&limit=2");
  await waitFor(
    async () => (await told()).items.length === 2,
    () => "the hook is told nothing",
    15_000,
  );
  const messages = await told();
  const next = await call("GET", `/hooks/chat/messages?cursor=${messages.next}`);
  expect(next.items[0].id < messages.items[1].id).toBe(true);
  const { id } = messages.items[0];
  expect(await call("GET", `/hooks/chat/messages/${id}`)).toMatchObject({
    type: "publish",
    nextAt: null,
    payload: { id },
  });
  await call("GET", "/hooks/chat/messages/none", undefined, 404);
  expect(await call("POST", `/hooks/chat/messages/${id}/resend`)).toMatchObject({ isTold: true });
  expect(await call("POST", "/hooks/chat/test")).toMatchObject({ isTold: true });
  await call("POST", "/hooks/none/test", undefined, 404);
  expect(await call("POST", "/hooks/chat/resend")).toEqual({ messages: 0 });
  expect((await call("GET", "/audit?action=resend")).items).toMatchObject([
    { principal: "ann", detail: { hook: "chat", messages: 0 } },
    { principal: "ann", detail: { hook: "chat", message: id } },
  ]);
  const to = new URL(receiver.url).host;
  expect((await call("GET", "/hooks")).items).toMatchObject([
    { name: "chat", to, waiting: 0, failed: 0, unavailable: null },
  ]);

  const found = await call("GET", "/catalog?search=APP");
  expect(found).toMatchObject({ hasMore: false });
  expect(found.items[0]).toMatchObject({ repository: "npm", package: "@acme/app", isHosted: true });
  const known = await call("GET", "/catalog/npm/@acme%2fapp");
  expect(known).toMatchObject({ isHosted: true, isPublic: false });
  const [version] = known.versions;
  const one = await call("GET", `/catalog/npm/@acme%2fapp/versions/${version.version}`);
  expect(one).toMatchObject({
    package: "@acme/app",
    filesOf: [{ isStored: true }],
    inside: { count: 1 },
  });
  await call("GET", "/catalog/npm/nothing", undefined, 404);
  expect(known.dependants).toEqual({ items: [], total: 0, isMore: false, isCut: false });
  expect(await call("GET", "/catalog/npm/@acme%2fapp/dependants?limit=1")).toEqual({
    ...{ repository: "npm", format: "npm", package: "@acme/app" },
    ...{ items: [], next: null, total: 0, isMore: false, isCut: false },
  });

  expect((await call("GET", "/jobs/work")).items).toContainEqual(
    expect.objectContaining({ repository: "php", running: null, last: null }),
  );
  expect(await call("GET", "/disk")).toMatchObject({ keepFree: 0, wanted: 0 });
  expect(await call("GET", "/backups")).toEqual({ last: null, failed: null });
  const begun = (await call("GET", "/operations")).items.length;
  const long = ["verify", "gc", "reload", "feeds refresh", "disk clean", "ledger audit"];
  for (const name of [...long, "canary run"]) {
    const { id } = await call("POST", "/operations", { name });
    const find = () => call("GET", `/operations/${id}`);
    await waitFor(
      async () => (await find()).state !== "running",
      () => `${name} runs on`,
      30_000,
    );
    expect(await find()).toMatchObject({ name, state: "done", by: "ann (token test)" });
    await call("DELETE", `/operations/${id}`);
  }
  expect((await call("GET", "/operations")).items).toHaveLength(begun + 7);
  const { key, items } = await call("GET", `${app}/releases/1.0.0/proofs`);
  expect(items).toMatchObject([{ repository: "npm", package: "@acme/app" }]);
  expect(readReceipt(items[0].proof, key).said).toMatchObject({ sha256: items[0].sha256 });
  await call("GET", `${app}/releases/9.0.0/proofs`, undefined, 404);
  const { results } = await call("GET", "/canaries");
  expect(results.length).toBeGreaterThan(0);
  expect(results.filter(({ state }: { state: string }) => state === "red")).toEqual([]);
  expect((await call("GET", "/feeds")).items).toMatchObject([
    { name: "gap", records: 2, error: null, seedOf: null },
    { name: "seed/Packagist", seedOf: expect.any(String) },
    { name: "seed/npm", seedOf: expect.any(String) },
  ]);
  const advisory = await call("GET", "/advisories/CVE-2026-1");
  expect(advisory.items).toMatchObject([{ id: "MAL-1", purl: "pkg:npm/bad", kind: "malicious" }]);
  await call("GET", "/advisories/CVE-2026-2", undefined, 404);
  expect(await call("GET", "/affected?of=MAL-1")).toEqual({ items: [], next: null });
  const path = `/affected?of=${encodeURIComponent("pkg:npm/@acme/app@1.0.0")}`;
  expect((await call("GET", path)).items).toEqual([]);
  await (await ask("GET", "/npm/@acme/app/-/app-1.0.0.tgz", { token: admin })).arrayBuffer();
  const isNamed = async (times: object) => {
    const { items } = await call("GET", path);
    return Bun.deepMatch(times, items[0] ?? {});
  };
  const late = () => "who was sent it is not told";
  await waitFor(() => isNamed({ files: 1, lockedAt: null }), late, 20_000);
  await call("POST", ready, { text });
  const has = async () => (await call("GET", path)).items[0].lockedAt !== null;
  await waitFor(has, () => "that it stands in a lock file is not told", 20_000);
  await call("GET", "/affected?of=pkg:cargo/x", undefined, 404);
  await call("POST", "/operations", { name: "unpin", values: {} }, 400);
  await call("POST", "/repositories/npm/operations", { name: "mirror run" }, 404);
  await call("GET", "/repositories/npm/operations/none", undefined, 404);
  await call("DELETE", "/repositories/npm/operations/none", undefined, 404);

  const followed = await call("GET", "/follow/state");
  expect(followed.accessNow.users.map(({ name }: Json) => name)).toContain("rea");
  expect(followed.accessNow.tokens[0].secret).toMatch(/^[0-9a-f]{64}$/);
  expect(followed.published.map((one: Json) => one.package)).toContain("@acme/app");
  const { access, cursor } = followed;
  const query = new URLSearchParams({ access, cursor });
  expect(await call("GET", `/follow/state?${query}`)).toMatchObject({
    accessNow: null,
    published: [],
    cursor,
    policy: followed.policy,
  });
  const about = { repository: "npm", packages: ["bad", "@acme/app"] };
  expect(await call("POST", "/follow/withheld", about)).toEqual({
    policy: followed.policy,
    items: [],
  });
  await call("POST", "/follow/withheld", { ...about, repository: "none" }, 404);
  await call("POST", "/follow/withheld", { ...about, packages: [] }, 400);

  const all = operations().map(({ method, path }) => `${method} ${path}`);
  expect(all.filter((one) => !called.has(one))).toEqual([]);
}, 120_000);

test("each mistake in what was sent is told with its place", async () => {
  const response = await api("POST", "/grants", { holder: "", actions: ["raed"] });
  expect(response.status).toBe(400);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const { errors } = (await response.json()) as Json;
  expect(errors.map(({ field }: Json) => field)).toEqual(["body.holder", "body.actions.0"]);
  const query = (await (await api("GET", "/users?limit=0")).json()) as Json;
  expect(query.errors[0].field).toBe("query.limit");
  const nul = (await (await api("GET", "/catalog?search=a%00b")).json()) as Json;
  expect(nul.errors).toEqual([{ field: "query.search", detail: "holds a NUL" }]);
  const grant = { holder: "a\0nn", actions: ["read"], package: "\0" };
  const told = (await (await api("POST", "/grants", grant)).json()) as Json;
  expect(told.errors).toEqual(
    ["body.holder", "body.package"].map((field) => ({ field, detail: "holds a NUL" })),
  );
  // What no schema has is not looked through: a small body of them would make a large answer, or none.
  const deep = (depth: number, inner: unknown[]) =>
    Array.from({ length: depth }).reduce((all: unknown) => [all], inner);
  const lock = {
    text: "{}",
    more: deep(
      2_000,
      Array.from({ length: 5_000 }, () => "\0"),
    ),
  };
  const ready = await api("POST", "/repositories/npm/readiness", lock);
  expect((await ready.text()).length).toBeLessThan(10_000);
  const far = await api("POST", "/repositories/npm/readiness", { text: "\0" });
  expect(((await far.json()) as Json).errors).toEqual([
    { field: "body.text", detail: "holds a NUL" },
  ]);
  const nested = `{"text": "\\u0000", "more": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  const headers = { authorization: `Bearer ${admin}`, "content-type": "application/json" };
  const url = `${server.url}/-/api/v1/repositories/npm/readiness`;
  expect((await fetch(url, { method: "POST", headers, body: nested })).status).toBe(400);
  const text = await ask("POST", "/-/api/v1/grants", {
    token: admin,
    headers: { "content-type": "text/plain" },
  });
  expect(text.status).toBe(400);
  expect((await api("PATCH", "/users")).status).toBe(405);
  expect((await api("GET", "/nothing")).status).toBe(404);
});

test("a field that there is not is told by its name, and makes nothing", async () => {
  const count = async () => ((await (await api("GET", "/tokens")).json()) as Json).items.length;
  const before = await count();
  const body = { name: "x", scopes: {}, scope: { action: ["read"], packages: ["a"] }, expires: 1 };
  const answer = await api("POST", "/users/ann/tokens", body);
  expect(answer.status).toBe(400);
  const { errors } = (await answer.json()) as Json;
  const detail = "there is no such field";
  expect(errors).toEqual([
    { field: "body.scope.action", detail },
    { field: "body.scopes", detail },
    { field: "body.expires", detail },
  ]);
  expect(await count()).toBe(before);
});

test("a body that is not UTF-8 is refused in words, by the API and by package paths", async () => {
  const bytes = Buffer.from('{"name":"caf\xe9"}', "latin1");
  const send = (path: string, method: string) =>
    fetch(`${server.url}${path}`, {
      method,
      body: bytes,
      headers: { authorization: `Bearer ${admin}`, "content-type": "application/json" },
    });
  for (const [path, method] of [
    ["/-/api/v1/users/ann/tokens", "POST"],
    ["/npm/-/npm/v1/tokens", "POST"],
  ] as const) {
    const answer = await send(path, method);
    expect([path, answer.status]).toEqual([path, 400]);
    expect(await answer.text()).toContain("is not UTF-8, as JSON must be");
  }
});

test("who asks again with the same key makes nothing twice", async () => {
  const body = { holder: "everyone", actions: ["read"] };
  const post = (key: string, more: object = {}) =>
    api("POST", "/grants", { ...body, ...more }, { "idempotency-key": key });
  const answers = await Promise.all([post("a"), post("a"), post("b")]);
  const ids = await Promise.all(answers.map(async (one) => ((await one.json()) as Json).id));
  expect(ids[0]).toBe(ids[1]);
  expect(ids[2]).not.toBe(ids[0]);
  expect((await post("a", { actions: ["publish"] })).status).toBe(409);
  for (const id of ids) await api("DELETE", `/grants/${id}`);
});

test("lists come in pages", async () => {
  const names: string[] = [];
  let next: string | null = "";
  while (next !== null) {
    const page: Json = await (
      await api("GET", `/users?limit=1${next && `&cursor=${next}`}`)
    ).json();
    expect(page.items.length).toBeLessThanOrEqual(1);
    names.push(...page.items.map(({ name }: Json) => name));
    next = page.next;
  }
  expect(names).toEqual(["ann", "cat", "rea"]);
});
