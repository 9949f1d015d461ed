// Hooks out, from a client's publication to the receiver's signature check and the mailbox: a real server, a real mail server.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../src/cli/index.ts";
import { fakeTerminal } from "../src/cli/testing.ts";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { formats } from "../src/formats/index.ts";
import { commands } from "../src/main.ts";
import { type Running, start } from "../src/server/start.ts";
import { makeAccounts } from "./support/accounts.ts";
import { type HookReceiver, startHookReceiver } from "./support/hook-receiver.ts";
import { npmPublication } from "./support/npm-package.ts";
import { type Mailbox, startMailbox } from "./support/smtp.ts";
import { tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const home = tempFolder("hooks");
const file = join(home, "holdfast.yaml");
const data = join(home, "data");
const log: string[] = [];
let server: Running;
let receiver: HookReceiver;
let mailbox: Mailbox;
let token = "";

const others = { pypi: false, go: false, composer: false, debian: false, "debian-security": false };
const mailServer = () => ({ server: mailbox.url, from: "holdfast@example.com", startTls: false });
const chat = (more: object = {}) => ({
  name: "chat",
  url: `${receiver.url}/T0/s3cret`,
  secretFile: "secret",
  events: ["publish", "unpublish", "restore", "change"],
  ...more,
});

function write(hooks: object[]): void {
  writeFileSync(
    file,
    JSON.stringify({
      hooks,
      mail: mailServer(),
      repositories: { ...others, npm: { offline: true, upstreams: [], claims: ["*"] } },
    }),
  );
}

const flags = { data, listen: "127.0.0.1:0" };
const load = () => loadConfig({ file, formats, flags, env: {} });
const begin = () =>
  start({
    config: load(),
    load,
    log: createLog("json", (line) => void log.push(line)),
    hasControl: true,
  });

beforeAll(async () => {
  writeFileSync(join(home, "secret"), SECRET);
  receiver = await startHookReceiver(SECRET);
  mailbox = await startMailbox();
  write([chat(), { name: "ops", mail: ["ops@example.com"], events: ["publish"] }]);
  server = await begin();
  await server.stop();
  [token = ""] = await makeAccounts(data, [{ user: "ann", actions: ["admin"] }]);
  server = await begin();
});
afterAll(async () => {
  await server.stop(0);
  receiver.stop();
  await mailbox.stop();
});

const authorization = () => ({ authorization: `Bearer ${token}` });
async function publish(name: string, version: string): Promise<void> {
  const response = await fetch(`${server.url}/npm/${name.replace("/", "%2f")}`, {
    method: "PUT",
    headers: { ...authorization(), "content-type": "application/json" },
    body: npmPublication(name, version).body,
  });
  expect([response.status, await response.text()]).toMatchObject([201, expect.any(String)]);
}
// biome-ignore lint/suspicious/noExplicitAny: JSON as a client reads it
async function api(method: string, path: string): Promise<any> {
  const response = await fetch(`${server.url}/-/api/v1${path}`, {
    method,
    headers: authorization(),
  });
  return response.json();
}
async function holdfast(...argv: string[]) {
  const terminal = fakeTerminal({});
  const code = await runCli([...argv, "--config", file, "--data", data], commands(), terminal);
  return { code, ...terminal.printed };
}
const heard = (many: number) =>
  waitFor(
    () => receiver.heard.length >= many,
    () => `heard ${receiver.heard.length} of ${many}:\n${log.join("")}`,
    15_000,
  );

test("a publication is told by a signed webhook and by mail, with who did it", async () => {
  await publish("@acme/ui", "1.0.0");
  await heard(1);
  const [{ id, isSigned, body }] = receiver.heard as [(typeof receiver.heard)[number]];
  expect(isSigned).toBe(true);
  expect(body).toMatchObject({
    id,
    type: "publish",
    repository: "npm",
    package: "@acme/ui",
    version: "1.0.0",
    purl: "pkg:npm/%40acme/ui@1.0.0",
    who: "ann (token of ann 0)",
    message: "ann (token of ann 0) published @acme/ui 1.0.0 in npm",
    detail: { files: [{ file: "ui-1.0.0.tgz" }] },
  });
  expect(Date.parse(body.time)).toBeGreaterThan(0);
  await waitFor(
    () => mailbox.mails.length === 1,
    () => `no mail:\n${log.join("")}`,
    15_000,
  );
  expect(mailbox.mails[0]!.to).toEqual(["ops@example.com"]);
  expect(mailbox.mails[0]!.text).toContain("published @acme/ui 1.0.0 in npm");
  expect(mailbox.mails[0]!.text).toContain(id);
}, 30_000);

test("what is taken away and given back is told, once each, whatever it holds", async () => {
  const from = receiver.heard.length;
  await publish("@acme/ui", "1.1.0");
  const gone = await api("DELETE", "/repositories/npm/packages/@acme%2Fui");
  expect(gone).toEqual({ files: 2 });
  await holdfast("trash", "restore", "npm", "@acme/ui");
  await heard(from + 3);
  const told = receiver.heard.slice(from).map(({ body }) => `${body.type} ${body.version}`);
  expect(told.sort()).toEqual(["publish 1.1.0", "restore null", "unpublish null"]);
}, 30_000);

test("a receiver that fails is told again, under the same id, by command and by API; nobody is shown its secrets", async () => {
  const from = receiver.heard.length;
  receiver.answer = (response) => void response.writeHead(500).end("no");
  await publish("@acme/ui", "2.0.0");
  await heard(from + 1);
  const { id } = receiver.heard[from]!;
  await waitFor(
    async () => (await api("GET", `/hooks/chat/messages/${id}`)).tries === 1,
    () => "it is not written down",
  );
  const waiting = await api("GET", `/hooks/chat/messages/${id}`);
  expect(waiting).toMatchObject({ state: "waiting", type: "publish", payload: { id } });
  expect(waiting.error).toMatch(/^127\.0\.0\.1:\d+: answered 500$/);
  const metrics = await fetch(`${server.url}/-/metrics`, { headers: authorization() });
  expect(await metrics.text()).toContain('holdfast_hook_messages{hook="chat",state="waiting"} 1');
  const list = await holdfast("hooks", "list", "chat", "--state", "waiting");
  expect(list.out).toContain(id);
  receiver.answer = (response) => void response.writeHead(204).end();
  await waitFor(
    async () => (await api("GET", `/hooks/chat/messages/${id}`)).state === "told",
    () => `it is not told again:\n${log.join("")}`,
    30_000,
  );
  expect(receiver.heard.slice(from).every((one) => one.id === id && one.isSigned)).toBe(true);

  const again = await holdfast("hooks", "resend", "chat", id);
  expect([again.code, again.out + again.err]).toEqual([0, `chat was told of ${id}.\n`]);
  expect(receiver.heard.at(-1)!.id).toBe(id);
  const hooks = await holdfast("hooks", "list");
  expect(hooks.out).toMatch(/^chat +127\.0\.0\.1:\d+ +publish/m);
  const shown = [list, again, hooks, await holdfast("config", "show"), waiting, log];
  for (const secret of ["MfKQ9r8G", "s3cret"])
    expect(JSON.stringify(shown.slice(secret === "s3cret" ? -2 : 0))).not.toContain(secret);
}, 60_000);

test("hooks of a changed configuration count at once: one is tried out, and one that fails says why", async () => {
  const from = receiver.heard.length;
  write([
    chat({ name: "new", events: ["yank"] }),
    { name: "ops", mail: ["ops@example.com"], events: ["*"] },
  ]);
  expect(await server.reload()).toMatchObject({
    isTaken: true,
    lines: [expect.stringContaining("hooks changed")],
  });
  expect((await holdfast("hooks", "test", "new")).out).toMatch(/^new was told of msg_\w+\.\n$/);
  expect(receiver.heard.at(-1)!.body).toMatchObject({ type: "test", repository: "-", who: null });
  expect(await api("POST", "/hooks/new/test")).toMatchObject({ isTold: true, error: null });
  receiver.answer = (response) => void response.writeHead(302, { location: "/" }).end();
  const failed = await holdfast("hooks", "test", "new");
  expect([failed.code, failed.out + failed.err]).toMatchObject([
    1,
    expect.stringContaining("answered 302, which leads elsewhere"),
  ]);
  receiver.answer = (response) => void response.writeHead(204).end();
  expect(await api("POST", "/hooks/new/resend")).toEqual({ messages: 1 });
  await heard(from + 4);
  mailbox.refuse = "Not today";
  const mail = await holdfast("hooks", "test", "ops");
  expect(mail.out).toContain("Not today");
  mailbox.refuse = null;
  expect((await holdfast("hooks", "test", "chat")).err).toContain("chat");
  expect((await api("POST", "/hooks/chat/test")).detail).toContain("no hook chat");
}, 60_000);
