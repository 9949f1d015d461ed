// Hooks in, with a real repository: a tag that is pushed is listed as soon as its code host has told of it, however it tells.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { formats } from "../src/formats/index.ts";
import { makeRepository, type TestRepository } from "../src/git/testkit.ts";
import { type Running, start } from "../src/server/start.ts";
import { tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

const SECRET = "a secret of some length";
const MODULE = "git.example.com/team/lib";
const home = tempFolder("git-hooks");
const file = join(home, "holdfast.yaml");
const log: string[] = [];
let server: Running;
let code: TestRepository;

const others = {
  npm: false,
  pypi: false,
  composer: false,
  debian: false,
  "debian-security": false,
};

beforeAll(async () => {
  code = makeRepository(join(home, "host", "lib"));
  code.commit({ "go.mod": `module ${MODULE}\n`, "lib.go": "package lib\n" });
  code.tag("v1.0.0");
  writeFileSync(join(home, "secret"), SECRET);
  writeFileSync(
    file,
    JSON.stringify({
      access: { anonymous: "read" },
      repositories: {
        ...others,
        go: {
          upstreams: [],
          sources: [
            { names: "git.example.com/team/*", git: `file://${home}/host/{1}`, every: "1d" },
          ],
          hookSecretFile: "secret",
        },
        plain: { format: "go", offline: true, upstreams: [] },
      },
    }),
  );
  const flags = { data: join(home, "data"), listen: "127.0.0.1:0" };
  const config = loadConfig({ file, formats, flags, env: {} });
  server = await start({ config, log: createLog("json", (line) => void log.push(line)) });
});
afterAll(() => server.stop(0));

const versions = async () =>
  (await (await fetch(`${server.url}/go/${MODULE}/@v/list`)).text()).trim().split("\n").sort();

const hmac = (body: string) => createHmac("sha256", SECRET).update(body).digest("hex");

function post(body: string, headers: Record<string, string>, repository = "go") {
  return fetch(`${server.url}/${repository}/-/hooks/git`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

const about = () => ({ repository: { clone_url: code.url, html_url: `${code.url}.git` } });
const clone = () => ({ repository: { links: { clone: [{ href: code.url, name: "http" }] } } });
const pushes: [
  sender: string,
  payload: () => object,
  headers: (body: string) => Record<string, string>,
][] = [
  [
    "GitHub",
    about,
    (body) => ({ "x-github-event": "push", "x-hub-signature-256": `sha256=${hmac(body)}` }),
  ],
  [
    "Gitea",
    about,
    (body) => ({
      "x-github-event": "push",
      "x-gitea-event": "push",
      "x-gitea-signature": hmac(body),
    }),
  ],
  [
    "Forgejo",
    about,
    (body) => ({
      "x-github-event": "create",
      "x-forgejo-event": "create",
      "x-forgejo-signature": hmac(body),
    }),
  ],
  [
    "GitLab",
    () => ({ project: { git_http_url: code.url } }),
    () => ({ "x-gitlab-event": "Tag Push Hook", "x-gitlab-token": SECRET }),
  ],
  [
    "Bitbucket",
    clone,
    (body) => ({ "x-event-key": "repo:refs_changed", "x-hub-signature": `sha256=${hmac(body)}` }),
  ],
];

for (const [at, [sender, payload, headers]] of pushes.entries())
  test(`a tag that ${sender} tells of is listed, while the schedule would have it tomorrow`, async () => {
    const before = await versions();
    expect(before).toContain("v1.0.0");
    code.commit({ "lib.go": `package lib // ${sender}\n` });
    code.tag(`v1.${at + 1}.0`);
    const body = JSON.stringify(payload());
    const answer = await post(body, headers(body));
    expect([answer.status, await answer.text()]).toEqual([202, '{"status":"accepted"}\n']);
    await waitFor(
      async () => (await versions()).includes(`v1.${at + 1}.0`),
      () => `it is not listed:\n${log.join("")}`,
      20_000,
    );
  }, 30_000);

test("who does not know the secret is told nothing, whatever they send, and no code host is asked", async () => {
  const body = JSON.stringify(about());
  const lines = log.length;
  for (const headers of [
    {},
    { "x-github-event": "push" },
    { "x-github-event": "push", "x-hub-signature-256": `sha256=${"0".repeat(64)}` },
    { "x-gitlab-event": "Push Hook", "x-gitlab-token": "guess" },
  ]) {
    const answer = await post(body, headers);
    expect(answer.status).toBe(401);
    expect(await answer.text()).toBe("holdfast: This is not signed with the hook's secret\n");
  }
  expect((await post(body, {}, "plain")).status).toBe(404);
  expect((await post(body, {}, "nowhere")).status).toBe(404);
  expect((await fetch(`${server.url}/go/-/hooks/git`)).status).toBe(404);
  expect((await post("x".repeat(9 * 1024 * 1024), { "x-github-event": "push" })).status).toBe(413);
  const asked = log.slice(lines).filter((line) => line.includes('"job":"sources"'));
  expect(asked).toEqual([]);
  expect(log.join("")).not.toContain(SECRET);
});

test("two hundred hooks are a few questions to the code host, and one of an unknown repository none", async () => {
  const questions = () => log.filter((line) => line.includes('"by":"hook"')).length;
  const from = questions();
  const send = (payload: object) => {
    const body = JSON.stringify(payload);
    return post(body, pushes[0]![2](body));
  };
  const all = await Promise.all(Array.from({ length: 200 }, () => send(about())));
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([202]));
  const elsewhere = { repository: { clone_url: "https://git.example.com/other/%zz" } };
  expect((await send(elsewhere)).status).toBe(202);
  code.commit({ "lib.go": "package lib // last\n" });
  code.tag("v1.9.0");
  await send(about());
  await waitFor(
    async () => (await versions()).includes("v1.9.0"),
    () => `it is not listed:\n${log.join("")}`,
    20_000,
  );
  expect(questions() - from).toBeLessThanOrEqual(4);
}, 40_000);
