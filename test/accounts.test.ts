// Accounts by the command line, as an operator makes them, and what they change for the clients of a running server.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startUpstream } from "./support/fake-upstream/index.ts";
import { type ServerProcess, startProcess } from "./support/process.ts";
import { tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

let server: ServerProcess;
let upstream: Awaited<ReturnType<typeof startUpstream>>;
beforeEach(async () => {
  upstream = await startUpstream();
  server = await startProcess({
    config: `access: { anonymous: none }\nrepositories: { npm: { upstreams: [{ url: "${upstream.urls.npm}/" }] } }\n`,
  });
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

const root = new URL("../", import.meta.url).pathname;
function holdfast(line: string[], input = "", data = server.data) {
  const argv = ["src/main.ts", ...line, "--data", data];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd: root,
    input,
    encoding: "utf8",
  });
  return { status, out: stdout, err: stderr };
}
const get = async (token: string | null, path = "/npm/kelp") =>
  (
    await fetch(`${server.url}${path}`, {
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
    })
  ).status;

test("a user, a grant and a token let a client in, and each of them taken back shuts it out at once", async () => {
  expect(await get(null)).toBe(401);
  expect(holdfast(["user", "add", "ann", "--password-stdin"], "correct horse\n").out).toContain(
    "ann is a user",
  );
  const token = holdfast(["token", "create", "ann", "--name", "ci"]).out.trim();
  expect(token).toMatch(/^hf_[0-9A-Za-z]{49}$/);
  expect(await get(token)).toBe(403);
  const given = holdfast(["grant", "add", "user:ann", "read", "--repository", "npm"]);
  const id = /as (\w+)\./.exec(given.out)![1]!;
  for (let time = 0; time < 3; time += 1) expect(await get(token)).toBe(200);
  expect(holdfast(["access", "show", "ann"]).out).toMatch(/read +npm +all +user:ann +given by the/);
  holdfast(["grant", "remove", id]);
  expect(await get(token)).toBe(403);
  holdfast(["grant", "add", "everyone", "read"]);
  for (let time = 0; time < 3; time += 1) expect(await get(token)).toBe(200);
  const listed = holdfast(["token", "list", "ann"]).out;
  expect(listed).not.toContain(token);
  holdfast(["token", "revoke", token]);
  expect(await get(token)).toBe(401);
  const audit = holdfast(["audit", "--json"]).out.trim().split("\n");
  const actions = audit.map((line) => JSON.parse(line).action);
  expect(actions.filter((action) => action !== "log in failed")).toEqual([
    "user",
    "token",
    "grant",
    "revoke grant",
    "grant",
    "revoke token",
  ]);
  expect(audit.join("")).not.toContain(token);
  const wrong = holdfast(["audit", "--action", "tokens"]);
  expect([wrong.status, wrong.err]).toEqual([2, expect.stringContaining("did you mean token?")]);
  expect(holdfast(["audit", "--action", "token"]).out).toMatch(/^[\d-]+ [\d:]+ UTC +token +the op/);
  expect(holdfast(["audit", "--token", "ci"]).out).toStartWith("No line of the audit log");
  expect(server.output()).not.toContain(token);
}, 60_000);

test("what the configuration gives is shown with the line where it stands", () => {
  const file = join(tempFolder("access"), "holdfast.yaml");
  writeFileSync(
    file,
    `access:
  anonymous:
    - { packages: ["open-*"] }
  teams: { web: [ann] }
  grants:
    - { to: "user:ben", may: read }
    # To publish,
    # on two lines.
    - to: team:web
      may: publish
`,
  );
  const ask = (line: string[], input = "") =>
    holdfast([...line, "--config", file], input, join(file, "../data")).out;
  ask(["user", "add", "ann", "--password-stdin"], "correct horse\n");
  const shown = ask(["access", "show", "ann"]);
  expect(shown).toMatch(/publish +all +all +team:web +holdfast\.yaml:9 access\.grants\[1\]\n/);
  expect(shown).toMatch(/read +all +open-\* +anonymous +holdfast\.yaml:3 access\.anonymous\[0\]\n/);
  expect(ask(["grant", "list"])).toContain("holdfast.yaml:6 access.grants[0]");
  rmSync(join(file, ".."), { recursive: true });
}, 60_000);

test("doctor knows what commands gave as well as what the file says", () => {
  const file = join(tempFolder("doctor"), "holdfast.yaml");
  const built = "{ format: npm, upstreams: [{ repository: npm }], offline: true }";
  writeFileSync(file, `listen: 0.0.0.0:0\noffline: true\nrepositories: { all: ${built} }\n`);
  const ask = (...line: string[]) =>
    holdfast([...line, "--config", file], "", join(file, "../data")).out;
  expect(ask("doctor")).toMatch(/! users +nobody may read without a name/);
  ask("grant", "add", "anonymous", "read", "--repository", "all");
  const part = ask("doctor");
  expect(part).toMatch(
    /✓ users +everybody may read a part, without a name \(given by the .+\(grant \w+\)\);/,
  );
  expect(part).toMatch(
    /! all +is built on npm: whoever may read all may read what is published there/,
  );
  ask("grant", "add", "anonymous", "read");
  expect(ask("doctor")).toMatch(
    /✓ users +everybody may read everything, without a name \(given by/,
  );
  rmSync(join(file, ".."), { recursive: true });
}, 60_000);

test("what is not for everybody is kept by no shared cache", async () => {
  holdfast(["user", "add", "ann", "--admin", "--password-stdin"], "correct horse\n");
  const token = holdfast(["token", "create", "ann"]).out.trim();
  for (const path of ["/npm/kelp", "/npm/kelp/-/kelp-2.0.0.tgz"])
    for (let time = 0; time < 3; time += 1) {
      const answer = await fetch(`${server.url}${path}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([
        200,
        expect.stringMatching(/^private, (?!.*public)/),
      ]);
    }
}, 60_000);

test("the first administrator's code stands in the log of a server without users, once", async () => {
  await waitFor(
    () => server.output().includes('"setup_code"'),
    () => server.output(),
  );
  expect(server.output()).toMatch(/"setup":"http:[^"]+\/-\/setup"/);
  holdfast(["user", "add", "ann", "--admin", "--password-stdin"], "correct horse\n");
  await server.restart();
  expect(server.output().split("setup_code")).toHaveLength(2);
}, 60_000);

test("commands work without a server, and say what is wrong with what they are given", () => {
  const data = `${tempFolder("accounts")}/data`;
  const alone = (line: string[], input = "") => holdfast(line, input, data);
  try {
    for (const listing of [
      ["user", "list"],
      ["token", "list"],
      ["access", "show", "anonymous"],
    ])
      expect(alone(listing)).toMatchObject({
        status: 1,
        err: expect.stringContaining(`There is no data directory at ${data}`),
      });
    expect(existsSync(data)).toBe(false);
    const made = alone(["team", "add", "web"]);
    expect([made.out, made.err]).toEqual([
      "web is a team.\n",
      expect.stringContaining(`A new data directory was made for it: ${data}.`),
    ]);
    expect(alone(["team", "add", "docs"]).err).toBe("");
    expect(alone(["user", "list"]).out).toBe("There are no users.\n");
    expect(alone(["access", "show", "anonymous"]).out).toMatch(
      /read +all +all +anonymous +the default/,
    );
    expect(alone(["user", "add", "ann", "--password-stdin"], "short\n")).toMatchObject({
      status: 1,
      err: expect.stringContaining("8 to 1024 characters"),
    });
    expect(alone(["user", "add", "A b", "--password-stdin"], "correct horse\n").err).toContain(
      "is no name for a user",
    );
    expect(alone(["user", "add", "ann"]).err).toContain("--password-stdin");
    expect(alone(["token", "create", "ann"]).err).toContain("There is no user ann");
    expect(alone(["grant", "add", "bob", "read"]).err).toContain("user:NAME, team:NAME");
    expect(alone(["grant", "add", "everyone", "write"])).toMatchObject({
      status: 2,
      err: expect.stringContaining("nothing to allow"),
    });
    expect(alone(["grant", "add", "everyone", "read", "--repository", "nmp"])).toMatchObject({
      status: 2,
      err: expect.stringContaining("did you mean npm?"),
    });
    expect(alone(["grant", "add", "anonymous", "publish"]).err).toContain("may read, and nothing");
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}, 60_000);

test("a server that cannot serve leaves no data directory behind", () => {
  const data = `${tempFolder("accounts")}/data`;
  const { status, err } = holdfast(["serve", "--listen", new URL(server.url).host], "", data);
  expect([status, err]).toEqual([1, expect.stringContaining("the port is taken")]);
  expect(existsSync(data)).toBe(false);
}, 60_000);

test("names of nobody are refused by commands, and told where the configuration has them", async () => {
  expect(holdfast(["team", "add", "web"]).status).toBe(0);
  expect(holdfast(["grant", "add", "team:wbe", "read"]).err).toContain(
    "There is no team wbe; there are: web",
  );
  holdfast(["user", "add", "ann", "--admin", "--password-stdin"], "correct horse\n");
  expect(holdfast(["user", "list"]).out).toMatch(/ann .* everything +a password/);
  expect(holdfast(["user", "remove", "ann"])).toMatchObject({
    status: 1,
    err: expect.stringContaining("ann is the only administrator"),
  });
  holdfast(["user", "add", "ben", "--password-stdin"], "correct horse\n");
  const odd = holdfast(["token", "create", "ben", "--may", "admin"]);
  expect(odd.out).toMatch(/^hf_\w{49}\n$/);
  expect(odd.err).toContain("ben administers nothing");
  expect(holdfast(["user", "remove", "ann", "--force"]).status).toBe(0);
  const file = join(tempFolder("htpasswd"), "htpasswd");
  writeFileSync(file, "cy:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\ndan:plain\n");
  const some = holdfast(["user", "import", file]);
  expect([some.status, some.out]).toEqual([1, expect.stringContaining("1 users are new")]);
  expect(some.err).toContain("1 of its lines were not taken over, as told above");
  expect(holdfast(["trash", "list"]).out).toContain("Nothing that was unpublished");
  const typo = holdfast(["unpublish", "npm", "acme-lib==1.0"]);
  expect(typo.err).toContain("acme-lib is not published in npm");
}, 60_000);
