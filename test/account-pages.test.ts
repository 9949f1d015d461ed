// Users, teams, grants and tokens by the operator's pages, as a browser without script meets them; and what each form changes for clients.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Browser, openBrowser, type Page } from "./support/browser.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";

let upstream: FakeUpstream;
let server: TestServer;
let ann: Browser;

// A password costs a busy machine half a second.
setDefaultTimeout(60_000);
const PASSWORD = "correct horse";
const ACCOUNTS = "/-/operator/accounts";

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream, {
    access: { anonymous: "none", teams: { written: ["ann", "ben"] } },
  });
  await server.account("user add", { name: "ann", password: PASSWORD, admin: true });
  ann = await logIn("ann", PASSWORD);
}, 60_000);
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});

async function logIn(name: string, password: string): Promise<Browser> {
  const browser = openBrowser(server.url);
  const { status } = await browser.send("/-/login", { name, password });
  expect([name, status]).toEqual([name, 303]);
  return browser;
}

/** Sends a form, and follows where it leads. */
async function does(path: string, fields: Record<string, string>): Promise<Page> {
  const sent = await ann.send(path, fields);
  expect([path, fields, sent.status]).toEqual([path, fields, 303]);
  return ann.open(sent.location!);
}

/** By the button of a page: the question that it leads to is answered with a reason. */
async function takes(page: Page, about: string, reason = "they asked for it"): Promise<Page> {
  const links = [
    ...page.text.matchAll(/href="([^"]*\/take\?[^"]*)">[^<]*<span class="hide"> ([^<]*)/g),
  ];
  const found = links.find(([, , words]) => words === about)?.[1]?.replaceAll("&amp;", "&");
  expect([about, links.map(([, , words]) => words), found !== undefined]).toEqual([
    about,
    expect.any(Array),
    true,
  ]);
  const asked = await ann.open(found!);
  expect([asked.status, asked.text.includes("It stands in the audit log")]).toEqual([200, true]);
  const fields = [...asked.text.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map(
    ([, name, value]) => [name!, value!] as const,
  );
  const nameless = await ann.send(`${ACCOUNTS}/take`, {
    ...Object.fromEntries(fields),
    reason: " ",
  });
  expect([nameless.status, nameless.text.includes("Say why")]).toEqual([400, true]);
  return does(`${ACCOUNTS}/take`, { ...Object.fromEntries(fields), reason });
}

/** What a page shows once. */
const shown = ({ text }: Page) => /<code id="made">([^<]+)</.exec(text)?.[1] ?? null;
const clientOf = async (secret: string, path = "/npm/kelp") =>
  (await fetch(server.url + path, { headers: { authorization: `Bearer ${secret}` } })).status;
const user = (name: string) => ann.open(`${ACCOUNTS}/users/${name}`);
const lastOfAudit = async (action: string) => {
  const { text } = await ann.open(`/-/operator/audit?action=${encodeURIComponent(action)}`);
  return /<tbody[^>]*><tr>(.*?)<\/tr>/.exec(text)![1]!;
};

test("a user is made, comes in by a link that is shown once, may what is given, and no more once it is taken back", async () => {
  const made = await does(ACCOUNTS, { do: "user", name: "Ben", email: "ben@example.test" });
  expect(made.text).toContain("The user is made.");
  expect(made.text).toContain("Without a password here");

  const linked = await does(`${ACCOUNTS}/users/ben`, { do: "link" });
  const link = shown(linked)!;
  expect(link).toStartWith(`${server.url}/-/invitation?code=hf_invite_`);
  expect((await user("ben")).text).not.toContain(link.split("=")[1]!);
  expect((await user("ben")).text).toContain("A link by ann is open until");
  const ben = openBrowser(server.url);
  const path = link.slice(server.url.length);
  for (let time = 0; time < 2; time += 1) {
    const { status, text } = await ben.open(path);
    expect([status, text.includes("Welcome, ben")]).toEqual([200, true]);
  }
  const code = path.split("=")[1]!;
  const wrong = await ben.send("/-/invitation", { code, password: "short" });
  expect([wrong.status, wrong.text.includes("8 to 1024 characters")]).toEqual([400, true]);
  const foreign = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  expect((await ben.send("/-/invitation", { code, password: PASSWORD }, foreign)).status).toBe(403);
  const set = await ben.send("/-/invitation", { code, password: PASSWORD });
  expect([set.status, set.location]).toEqual([303, "/-/account"]);
  expect((await ben.open("/-/account")).text).toContain("<h1>ben</h1>");
  for (const again of [
    await ben.send("/-/invitation", { code, password: "another one" }),
    await ben.open(path),
    await ben.open("/-/invitation"),
  ])
    expect([again.status, again.text.includes("leads nowhere any more")]).toEqual([404, true]);
  expect(await lastOfAudit("user")).toContain("invitedBy: ann");
  expect(server.log.join("\n")).not.toContain(code);

  const token = await does(`${ACCOUNTS}/users/ben`, { do: "make", name: "ci", may: "read" });
  const secret = shown(token)!;
  expect(secret).toMatch(/^hf_[0-9A-Za-z]{49}$/);
  expect((await user("ben")).text).not.toContain(secret);
  expect(await clientOf(secret)).toBe(403);
  const given = await does(`${ACCOUNTS}/users/ben`, {
    do: "give",
    actions: "read",
    repository: "npm",
    package: "kelp",
  });
  expect(given.text).toContain("It is given");
  expect(await clientOf(secret)).toBe(200);
  expect(await clientOf(secret, "/npm/tide")).toBe(403);
  const back = await takes(given, "read from user:ben");
  expect(back.text).toContain("It is taken back");
  expect(await clientOf(secret)).toBe(403);
  expect(await lastOfAudit("revoke grant")).toContain("reason: they asked for it");

  await does(`${ACCOUNTS}/users/ben`, { do: "give", actions: "publish,unpublish" });
  expect(await clientOf(secret)).toBe(200);
  const revoked = await takes(await ann.open(`${ACCOUNTS}/tokens?user=ben`), "ci of ben");
  expect(revoked.text).toContain("The token works no more.");
  expect(await clientOf(secret)).toBe(401);
  const changed = await does(`${ACCOUNTS}/users/ben`, {
    do: "profile",
    fullName: "Ben <i>B</i>",
    email: "b@example.test",
  });
  expect(changed.text).toContain("Ben &lt;i&gt;B&lt;/i&gt;");

  expect((await takes(await user("ben"), "ben")).text).toContain("They may do nothing from now on");
  expect((await ben.open("/-/account")).status).toBe(303);
  expect((await user("ben")).text).toContain("nothing is let in under this name");
  await does(`${ACCOUNTS}/users/ben`, { do: "enable" });
  expect((await ben.open("/-/account")).status).toBe(200);
  await takes(await user("ben"), "of ben");
  expect((await user("ben")).text).toContain("Without a password here");
});

test("a user is removed for good, and a link that was open leads nowhere", async () => {
  await does(ACCOUNTS, { do: "user", name: "cy" });
  const link = shown(await does(`${ACCOUNTS}/users/cy`, { do: "link" }))!;
  const again = shown(await does(`${ACCOUNTS}/users/cy`, { do: "link" }))!;
  const open = async (of: string) => (await fetch(of, { headers: { accept: "text/html" } })).status;
  expect([await open(link), await open(again)]).toEqual([404, 200]);
  expect((await takes(await user("cy"), "of cy")).text).toContain("leads nowhere any more");
  expect(await open(again)).toBe(404);
  const disabled = await user("cy");
  const links = disabled.text.match(/what=user&amp;id=cy/g);
  expect(links).toHaveLength(1);
  const gone = await does(`${ACCOUNTS}/take`, { what: "user", id: "cy", reason: "left" });
  expect(gone.text).toContain("The user is gone");
  expect((await user("cy")).status).toBe(404);
});

test("a team is made, filled, given something, emptied and removed; one of the configuration is shown and not changed", async () => {
  await does(ACCOUNTS, { do: "user", name: "dee" });
  const made = await does(`${ACCOUNTS}/teams`, { name: "Web" });
  expect(made.text).toContain("The team is made.");
  await does(`${ACCOUNTS}/teams/web`, { do: "join", user: "dee" });
  const given = await does(`${ACCOUNTS}/teams/web`, { do: "give", actions: "read" });
  expect(given.text).toContain("It is given");
  expect((await user("dee")).text).toContain(`href="${ACCOUNTS}/teams/web"`);
  const nobody = await ann.send(`${ACCOUNTS}/teams/web`, { do: "join", user: "nobody" });
  expect([nobody.status, nobody.text]).toEqual([
    404,
    expect.stringContaining("There is no user nobody"),
  ]);
  const out = await takes(await ann.open(`${ACCOUNTS}/teams/web`), "dee");
  expect(out.text).toContain("They are out of the team.");
  await does(`${ACCOUNTS}/users/dee`, { do: "join", team: "web" });
  const removed = await takes(await ann.open(`${ACCOUNTS}/teams/web`), "web");
  expect(removed.text).toContain("The team is gone, with its grants.");
  expect(await lastOfAudit("team")).toContain("reason: they asked for it");
  const written = await ann.open(`${ACCOUNTS}/teams/written`);
  expect(written.text).toContain("It stands in the configuration (access: teams)");
  expect(written.text).not.toContain("what=leave");
});

test("grants are given to whoever is typed, and what makes no sense is told beside what was typed", async () => {
  const given = await does(`${ACCOUNTS}/grants`, { holder: "everyone", actions: "read" });
  expect(given.text).toContain("It is given");
  await takes(given, "read from everyone");
  for (const [fields, status, says] of [
    [{ holder: "nobody", actions: "read" }, 400, "is nobody to give anything to"],
    [{ holder: "user:nobody", actions: "read" }, 404, "There is no user nobody"],
    [{ holder: "anonymous", actions: "publish" }, 400, "Who gives no name may read"],
    [{ holder: "everyone", actions: "fly" }, 400, "body.actions.0"],
    [{ holder: "everyone", actions: "read", repository: "none" }, 400, "There is no repository"],
    [{ holder: "everyone", actions: "read", package: "a b" }, 400, "is no pattern of names"],
  ] as const) {
    const sent = await ann.send(`${ACCOUNTS}/grants`, fields);
    expect([fields, sent.status, sent.text.includes(says)]).toEqual([fields, status, true]);
    expect(sent.text).toContain(`value="${fields.holder}"`);
  }
});

test("the last administrator is not taken away, and what no page of ours asks for is refused", async () => {
  for (const what of ["user", "disable"]) {
    const fields = { what, id: "ann", reason: "a slip" };
    const { status, text } = await ann.send(`${ACCOUNTS}/take`, fields);
    expect([status, text.includes("ann is the only administrator")]).toEqual([409, true]);
    expect(text).toContain('value="a slip"');
  }
  expect((await ann.open("/-/account")).status).toBe(200);
  expect((await ann.open(`${ACCOUNTS}/take?what=constructor&id=x`)).status).toBe(404);
  expect((await ann.open(`${ACCOUNTS}/take?what=token&id=none`)).status).toBe(404);
  const away = await ann.open(`${ACCOUNTS}/take?what=user&id=ann&back=//evil.example`);
  expect(away.text).not.toContain("evil.example");
  const elsewhere = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  const foreign = await ann.send(ACCOUNTS, { do: "user", name: "eve" }, elsewhere);
  expect([foreign.status, foreign.location?.split("?")[0]]).toEqual([303, "/-/login"]);
  expect((await user("eve")).status).toBe(404);
  const known = await does(ACCOUNTS, { do: "user", name: "ann", email: "x@example.test" });
  expect(known.text).toContain("Nothing was changed.");
  expect(known.text).not.toContain("x@example.test");
  for (const name of ["", "a b", "-", "a".repeat(101)]) {
    const { status, text } = await ann.send(ACCOUNTS, { do: "user", name });
    expect([name, status, text.includes('role="alert"')]).toEqual([name, 400, true]);
  }
  const wrong = await ann.send(`${ACCOUNTS}/users/ann`, { do: "make", name: "x", may: "fly" });
  expect([wrong.status, wrong.text.includes("one of those that are offered")]).toEqual([400, true]);
});

test("a secret is shown to who made it and to nobody else", async () => {
  await server.account("user add", { name: "zoe", password: PASSWORD, admin: true });
  const zoe = await logIn("zoe", PASSWORD);
  const { location } = await ann.send(`${ACCOUNTS}/users/zoe`, { do: "link" });
  expect(shown(await zoe.open(location!))).toBeNull();
  expect(shown(await ann.open(location!))).toStartWith("http");
  expect(shown(await ann.open(location!))).toBeNull();
});

test("who logged in a while ago says once more who they are before they make what outlives that, and takes away without", async () => {
  server.advance(16 * 60_000);
  await does(`${ACCOUNTS}/take`, { what: "disable", id: "zoe", reason: "an experiment" });
  for (const [path, fields] of [
    [ACCOUNTS, { do: "user", name: "late" }],
    [`${ACCOUNTS}/teams`, { name: "late" }],
    [`${ACCOUNTS}/grants`, { holder: "everyone", actions: "read" }],
    [`${ACCOUNTS}/users/ben`, { do: "link" }],
    [`${ACCOUNTS}/users/ben`, { do: "make", name: "late", may: "all" }],
    [`${ACCOUNTS}/users/ben`, { do: "give", actions: "read" }],
  ] as const) {
    const { status, text } = await ann.send(path, fields);
    expect([path, fields, status]).toEqual([path, fields, 403]);
    expect(text).toContain("it takes a log-in of the last 15 minutes");
    expect(text).toContain("/-/login?next=");
  }
  expect((await user("late")).status).toBe(404);
});
