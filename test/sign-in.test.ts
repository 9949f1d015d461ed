// People who come in through a browser: log-in, log-out, the first administrator, a client's log-in, tokens; and those who should not.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { openBrowser } from "./support/browser.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";

let upstream: FakeUpstream;
let server: TestServer;

beforeAll(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream, { access: { anonymous: "none" } });
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});

// A password costs a busy machine half a second, and log-ins are many here.
setDefaultTimeout(60_000);
const PASSWORD = "correct horse";
async function loggedIn(name = "ann") {
  const browser = openBrowser(server.url);
  const page = await browser.send("/-/login", { name, password: PASSWORD, next: "/" });
  expect([page.status, page.location]).toEqual([303, "/"]);
  return browser;
}

test("the first administrator is made once, with the code of the log alone", async () => {
  const browser = openBrowser(server.url);
  expect((await browser.open("/-/login")).location).toBe("/-/setup");
  const claim = (fields: object, headers?: Record<string, string>) =>
    browser.send("/-/setup", { name: "eve", password: PASSWORD, ...fields }, headers);
  const wrong = await claim({ code: "BBBB-BBBB-BBBB" });
  expect([wrong.status, wrong.text.includes("not the code")]).toEqual([403, true]);
  expect(wrong.text).toContain('value="eve"');
  const code = server.setupCode()!;
  expect((await claim({ code, password: "short" })).status).toBe(400);
  expect((await claim({ code }, { origin: "https://evil.example.test" })).status).toBe(403);
  const made = await claim({ code: code.toLowerCase(), name: "Ann" });
  expect([made.status, made.location]).toEqual([303, "/-/account"]);
  expect((await browser.open("/-/account")).text).toMatch(
    /<h1>ann<\/h1>.*Administrator: may do everything.*What comes next/s,
  );
  expect(server.setupCode()).toBeNull();
  expect((await claim({ code })).location).toBe("/-/login");
  expect(await server.account("user list", {})).toHaveLength(2);
  await server.account("user add", { name: "ben", password: PASSWORD });
  await server.account("grant add", { holder: "user:ben", actions: ["read"] });
});

test("who may not see a page is sent to log in, and back to it afterwards", async () => {
  const browser = openBrowser(server.url);
  for (const path of ["/", "/npm/", "/-/metrics?x=1"]) {
    const page = await browser.open(path);
    expect([page.status, page.location]).toEqual([
      303,
      `/-/login?next=${encodeURIComponent(path)}`,
    ]);
  }
  // A package client is told in its own words.
  expect((await fetch(`${server.url}/npm/kelp`)).status).toBe(401);
  expect((await fetch(`${server.url}/`)).status).toBe(401);
  const shown = await browser.open("/-/login?next=%2Fnpm%2F");
  expect(shown.text).toContain('name="next" value="/npm/"');
  const wrong = await browser.send("/-/login", { name: "ann", password: "wrong", next: "/npm/" });
  expect(wrong.status).toBe(401);
  expect(wrong.text).toContain("The name or the password is wrong");
  expect(wrong.text).not.toContain("wrong&quot;");
  expect(browser.cookies.size).toBe(0);
  const right = await browser.send("/-/login", { name: "ANN ", password: PASSWORD, next: "/npm/" });
  expect([right.status, right.location]).toEqual([303, "/npm/"]);
  expect((await browser.open("/npm/")).status).toBe(200);
  expect((await browser.open("/")).text).toContain('<a href="/-/account">ann</a>');
});

test("nobody is sent to another server after a log-in", async () => {
  const browser = openBrowser(server.url);
  for (const next of [
    "//evil.example.test",
    "/\\evil.example.test",
    "https://evil.example.test/",
    "/%0d%0aset-cookie:%20a=b\r\nx: y",
    "/..//evil.example.test",
    "/\t/evil.example.test",
  ]) {
    const page = await browser.send("/-/login", { name: "ben", password: PASSWORD, next });
    expect([next, page.status]).toEqual([next, 303]);
    const there = new URL(page.location!, server.url);
    expect([next, there.origin]).toEqual([next, server.url]);
    expect(page.location).toMatch(/^\/(?!\/)/);
    expect(page.headers.get("x")).toBeNull();
  }
});

test("a session's cookie is for this server alone, and new at each log-in", async () => {
  const browser = openBrowser(server.url);
  browser.cookies.set("hf", "A".repeat(43));
  const fixed = browser.cookies.get("hf");
  const page = await browser.send("/-/login", { name: "ben", password: PASSWORD });
  const cookie = page.headers.get("set-cookie")!;
  expect(cookie).toMatch(/^hf=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
  expect(browser.cookies.get("hf")).not.toBe(fixed);
  const first = browser.cookies.get("hf")!;
  await browser.send("/-/login", { name: "ben", password: PASSWORD });
  expect(browser.cookies.get("hf")).not.toBe(first);
  const old = openBrowser(server.url);
  old.cookies.set("hf", first);
  expect((await old.open("/-/account")).status).toBe(303);
});

test("a cookie speaks for nobody on a package's path, on the API, or from another site", async () => {
  const browser = await loggedIn();
  const cookie = `hf=${browser.cookies.get("hf")}`;
  const asks: [path: string, init: RequestInit][] = [
    ["/npm/kelp", {}],
    ["/npm/-/whoami", {}],
    ["/npm/-/v1/search?text=kelp", {}],
    ["/pypi/simple/", {}],
    ["/-/api/v1/users", {}],
    ["/npm/kelp", { method: "PUT", body: "{}" }],
  ];
  for (const [path, init] of asks) {
    const answer = await fetch(`${server.url}${path}`, {
      ...init,
      headers: { cookie, "sec-fetch-site": "same-origin", origin: server.url },
    });
    expect([path, answer.status]).toEqual([path, 401]);
  }
  for (const headers of [
    { origin: "https://evil.example.test" },
    { origin: "null" },
    { origin: `${server.url}.evil.example.test` },
    { "sec-fetch-site": "cross-site", origin: server.url },
    { "sec-fetch-site": "same-site", origin: server.url },
    {},
  ] as Record<string, string>[]) {
    const forms: [string, Record<string, string>][] = [
      ["/-/account", { do: "make", name: "stolen", may: "all", days: "" }],
      ["/-/logout", {}],
      ["/-/login", { name: "ben", password: PASSWORD }],
    ];
    for (const [path, fields] of forms) {
      const page = await browser.send(path, fields, headers);
      // Without its cookie the account's page is nobody's: on to the log-in.
      expect([path, page.status]).toEqual([path, path === "/-/account" ? 303 : 403]);
      expect(page.headers.get("set-cookie")).toBeNull();
    }
  }
  expect((await browser.open("/-/account")).text).toContain("None yet");
  const twice = await fetch(`${server.url}/-/account`, {
    headers: { cookie: `hf=x; ${cookie}` },
    redirect: "manual",
  });
  expect(twice.status).toBe(303);
});

test("log-out ends it here, time ends it everywhere", async () => {
  const browser = await loggedIn();
  const copy = openBrowser(server.url);
  copy.cookies.set("hf", browser.cookies.get("hf")!);
  expect((await browser.send("/-/logout", {})).location).toBe("/-/login");
  expect(browser.cookies.size).toBe(0);
  expect((await copy.open("/-/account")).status).toBe(303);
  const idle = await loggedIn();
  server.advance(13 * 3_600_000);
  expect((await idle.open("/-/account")).status).toBe(303);
  const used = await loggedIn();
  for (let half = 0; half < 15; half += 1) {
    server.advance(11 * 3_600_000);
    expect((await used.open("/-/account")).status).toBe(200);
  }
  server.advance(11 * 3_600_000);
  expect((await used.open("/-/account")).status).toBe(303);
});

test("another password, and a user who is disabled, end all sessions", async () => {
  const ben = await loggedIn("ben");
  await server.account("user password", { name: "ben", password: `${PASSWORD} 2` });
  expect((await ben.open("/-/account")).status).toBe(303);
  await server.account("user password", { name: "ben", password: PASSWORD });
  const again = await loggedIn("ben");
  await server.account("user disable", { name: "ben" });
  expect((await again.open("/-/account")).status).toBe(303);
  await server.account("user enable", { name: "ben" });
});

test("a client's log-in is shown with who asks, and approved by nobody else", async () => {
  const begin = async () => {
    const answer = await fetch(`${server.url}/npm/-/v1/login`, {
      method: "POST",
      body: "{}",
      headers: { "user-agent": "npm/12.2.0 <b>evil</b>" },
    });
    return (await answer.json()) as { loginUrl: string; doneUrl: string };
  };
  const { loginUrl, doneUrl } = await begin();
  const path = new URL(loginUrl).pathname;
  const stranger = openBrowser(server.url);
  expect((await stranger.open(path)).location).toBe(`/-/login?next=${encodeURIComponent(path)}`);
  const ben = await loggedIn("ben");
  const page = await ben.open(path);
  expect(page.text).toContain("npm/12.2.0 &lt;b&gt;evil");
  expect(page.text).toContain("<dt>Asks from</dt><dd><code>127.0.0.1</code>");
  // Of two that ask one is held until there is an answer, and the other told to come back.
  const both = [fetch(doneUrl), fetch(doneUrl)];
  const sent = await Promise.race(both);
  expect([sent.status, sent.headers.get("retry-after")]).toEqual([202, "2"]);
  expect(
    (await ben.send(path, { answer: "yes" }, { origin: "https://evil.example.test" })).status,
  ).toBe(303);
  expect((await ben.send(path, { answer: "yes" }, {})).status).toBe(303);
  expect((await ben.send(path, { answer: "yes" })).text).toContain("The client is logged in");
  const told = await Promise.all(both);
  expect(told.map((one) => [one.status, one.headers.get("retry-after")]).sort()).toEqual([
    [202, null],
    [202, "2"],
  ]);
  expect((await ben.send(path, { answer: "yes" })).text).toContain("is over");
  const done = await fetch(doneUrl);
  expect(done.status).toBe(200);
  const { token } = (await done.json()) as { token: string };
  const whoami = await fetch(`${server.url}/npm/-/whoami`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await whoami.json()).toEqual({ username: "ben" });
  // A token is no person at a page.
  const other = await begin();
  const byToken = await fetch(new URL(new URL(other.loginUrl).pathname, server.url), {
    method: "POST",
    redirect: "manual",
    headers: { authorization: `Bearer ${token}`, origin: server.url },
    body: new URLSearchParams({ answer: "yes" }),
  });
  expect(byToken.headers.get("location")).toContain("/-/login?next=");
  expect((await ben.send(new URL(other.loginUrl).pathname, { answer: "no" })).text).toContain(
    "gets nothing",
  );
  expect((await fetch(other.doneUrl)).status).toBe(404);
});

test("tokens are made and shown once, and ended", async () => {
  const ben = await loggedIn("ben");
  const wish = {
    do: "make",
    name: "<i>laptop</i>",
    may: "read",
    days: "30",
    repositories: "npm, pypi",
    packages: "",
    cidrs: "127.0.0.0/8",
  };
  const sent = await ben.send("/-/account", wish);
  expect([sent.status, sent.location]).toEqual([303, expect.stringMatching(/\?made=[\w-]{22}$/)]);
  const ann = await loggedIn("ann");
  expect((await ann.open(sent.location!)).text).not.toMatch(/hf_[0-9A-Za-z]{49}/);
  const made = await ben.open(sent.location!);
  expect(made.headers.get("cache-control")).toContain("no-store");
  const [secret = ""] = /hf_[0-9A-Za-z]{49}/.exec(made.text) ?? [];
  expect(made.text).toContain("&lt;i&gt;laptop");
  const read = () =>
    fetch(`${server.url}/npm/kelp`, { headers: { authorization: `Bearer ${secret}` } });
  expect((await read()).status).toBe(200);
  const listed = await ben.open("/-/account");
  expect(listed.text).not.toContain(secret);
  expect(listed.text).toContain("read · npm, pypi");
  // Loading the page again shows nothing and makes nothing; nor does sending the form again.
  const loaded = await ben.open(sent.location!);
  expect(loaded.text).not.toContain(secret);
  const twice = await ben.send("/-/account", wish);
  expect([twice.status, twice.text]).toEqual([
    409,
    expect.stringContaining("laptop&lt;/i&gt; already"),
  ]);
  expect(twice.text).toContain('value="npm, pypi"');
  const [, id = ""] = /\?revoke=([^"]+)"/.exec(listed.text) ?? [];
  const question = await ben.open(`/-/account?revoke=${id}`);
  expect(question.text).toContain("cannot be taken back");
  expect((await read()).status).toBe(200);
  expect((await ann.open(`/-/account?revoke=${id}`)).location).toBe("/-/account");
  await ann.send("/-/account", { do: "revoke", id });
  expect((await read()).status).toBe(200);
  await ben.send("/-/account", { do: "revoke", id });
  expect((await read()).status).toBe(401);
  for (const wrong of [
    { name: "x", may: "fly", days: "30" },
    { name: "", may: "read", days: "30" },
    { name: "x", may: "read", days: "-1" },
    { name: "x", may: "read", days: "Infinity" },
    { name: "x", may: "read", days: "1", cidrs: "nowhere" },
    { name: "x", may: "read", days: "1", repositories: "nmp" },
  ]) {
    const page = await ben.send("/-/account", { do: "make", ...wrong });
    expect([wrong, page.status, /hf_[0-9A-Za-z]{49}/.test(page.text)]).toEqual([wrong, 400, false]);
  }
  // What was typed stays, and what is wrong is said where it stands.
  const odd = { name: "x", may: "publish", days: "7", cidrs: "nowhere" };
  const { text } = await ben.send("/-/account", { do: "make", ...odd });
  expect(text).toMatch(/<details open>.*id="wrong-cidrs"[^>]*>[^<]*"?nowhere.*value="nowhere"/s);
  expect(text).toMatch(/value="publish" checked/);
  expect(text).toMatch(/name="days" type="number" value="7"/);
});

test("people change their own password, and stay logged in here alone", async () => {
  await server.account("user add", { name: "eve", password: PASSWORD });
  const [eve, elsewhere] = [await loggedIn("eve"), await loggedIn("eve")];
  const wrong = await eve.send("/-/account", { do: "password", old: "no", new: "battery staple" });
  expect([wrong.status, wrong.text]).toEqual([
    401,
    expect.stringContaining("The name or the password is wrong"),
  ]);
  const short = await eve.send("/-/account", { do: "password", old: PASSWORD, new: "x" });
  expect([short.status, short.text]).toEqual([400, expect.stringContaining("8 to 1024")]);
  const right = await eve.send("/-/account", {
    do: "password",
    old: PASSWORD,
    new: "battery staple",
  });
  expect((await eve.open(right.location!)).text).toContain("You have another password now");
  expect((await elsewhere.open("/-/account")).status).toBe(303);
  const again = openBrowser(server.url);
  const login = { name: "eve", password: "battery staple", next: "/-/account" };
  expect((await again.send("/-/login", login)).status).toBe(303);
  await server.account("user remove", { name: "eve" });
});

test("what outlives a session takes a log-in of the last quarter of an hour", async () => {
  const ben = await loggedIn("ben");
  const make = () => ben.send("/-/account", { do: "make", name: "late", may: "read", days: "1" });
  const begun = await fetch(`${server.url}/npm/-/v1/login`, { method: "POST", body: "{}" });
  const { loginUrl, doneUrl } = (await begun.json()) as { loginUrl: string; doneUrl: string };
  const path = new URL(loginUrl).pathname;
  expect((await ben.open(path)).text).toContain("Is this you?");
  const first = await make();
  const listed = await ben.open(first.location!);
  const [, id = ""] = /\?revoke=([^"]+)"/.exec(listed.text) ?? [];
  const answers = async () => [(await ben.open(path)).location, (await fetch(doneUrl)).status];
  expect(await answers()).toEqual([null, 202]);

  server.advance(15 * 60_000 + 1);
  const again = (next: string) => `/-/login?next=${encodeURIComponent(next)}&again=1`;
  const account = await ben.open("/-/account");
  expect([account.status, account.text.includes("Make it")]).toEqual([200, false]);
  expect(account.text).toContain(`href="${again("/-/account").replace("&", "&amp;")}"`);
  const refused = await make();
  expect([refused.status, /hf_[0-9A-Za-z]{49}/.test(refused.text)]).toEqual([403, false]);
  expect(refused.text).toContain("takes a log-in of the last 15 minutes");
  // What ends something can be done at any time.
  expect((await ben.send("/-/account", { do: "revoke", id })).status).toBe(303);
  const second = await fetch(`${server.url}/npm/-/v1/login`, { method: "POST", body: "{}" });
  const asked = (await second.json()) as { loginUrl: string; doneUrl: string };
  const page = new URL(asked.loginUrl).pathname;
  expect((await ben.open(page)).location).toBe(again(page));
  expect((await ben.send(page, { answer: "yes" })).location).toBe(again(page));
  expect((await fetch(asked.doneUrl)).status).toBe(202);

  const shown = await ben.open(again(page));
  expect(shown.text).toContain("Say once more who you are");
  expect(shown.text).toContain('name="again" value="1"');
  const wrong = await ben.send("/-/login", { name: "ben", password: "no", next: page, again: "1" });
  expect([wrong.status, wrong.text.includes("Say once more")]).toEqual([401, true]);
  expect((await ben.open("/-/account")).status).toBe(200); // still logged in
  const right = { name: "ben", password: PASSWORD, next: page, again: "1" };
  expect((await ben.send("/-/login", right)).location).toBe(page);
  expect((await ben.send(page, { answer: "yes" })).text).toContain("The client is logged in");
  expect((await make()).location).toContain("?made=");
});

test("what is huge, or no form, is refused", async () => {
  const browser = openBrowser(server.url);
  const huge = await browser.send("/-/login", { name: "a".repeat(40_000), password: "x" });
  expect(huge.status).toBe(413);
  const json = await fetch(`${server.url}/-/login`, {
    method: "POST",
    body: "{}",
    headers: { origin: server.url, "content-type": "application/json" },
  });
  expect(json.status).toBe(400);
  expect((await browser.open(`/-/login?next=${"/a".repeat(5000)}`)).status).toBe(200);
});

test("pages run our own script alone, are framed by nobody, and send forms to us alone", async () => {
  const browser = await loggedIn();
  for (const path of ["/-/login", "/-/account", "/-/login/AAAAAAAAAAAAAAAAAAAAAA", "/nowhere"]) {
    const { headers, text } = await browser.open(path);
    const policy = headers.get("content-security-policy");
    expect(policy).toStartWith("default-src 'none'; script-src 'self'; style-src 'self';");
    for (const part of [
      "form-action 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
    ])
      expect(policy).toContain(part);
    expect(policy).not.toContain("unsafe");
    expect(text).not.toMatch(/<script(?! src="\/-\/assets\/)| on\w+="| style="/);
    expect(headers.get("cache-control")).toContain("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  }
});
