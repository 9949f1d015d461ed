import { afterAll, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { credentialLine } from "./credentials.ts";
import { runCli } from "./index.ts";
import { type SetupFormat, setupCommand } from "./setup.ts";
import { fakeTerminal } from "./testing.ts";

const format = (name: string, setup: SetupFormat["setup"]): SetupFormat => ({
  name,
  options: z.looseObject({
    sumdb: z.unknown().optional(),
    keyring: z.unknown().optional(),
    suites: z.unknown().optional(),
    instead: z.unknown().optional(),
  }),
  setup,
});
// The names are those of the built-in repositories.
const formats = [
  format("npm", (url) => [
    { client: "npm", file: "~/.npmrc", text: `registry=${url}/\n` },
    { client: "project", file: "pyproject.toml", text: `[tool]\nurl = "${url}"\n` },
  ]),
  format("pypi", (url) => [
    { client: "uv", file: "~/.config/uv/uv.toml", text: `[[index]]\nurl = "${url}"\n` },
    { client: "uv", file: "shell", text: `export UV=${url}\n` },
    { client: "sh", file: "shell", text: `export INDEX="${url}"\n` },
  ]),
  format("apt", (url) => {
    const name = new URL(url).pathname.slice(1);
    return [
      { client: "apt", file: "shell", text: `curl ${url}/-/key.asc > ${name}.asc\n` },
      { client: "apt", file: `~/sources/${name}.sources`, text: `URIs: ${url}\n` },
      { client: "apt", file: `~/sources/${name}.list`, text: `deb ${url}\n` },
    ];
  }),
  format("composer", (url) => [
    {
      client: "composer",
      file: "shell",
      text: `composer config --global repositories.here composer ${url}/\ncomposer config --global secure-http false\n`,
    },
    { client: "composer", file: "composer.json", text: `{ "repositories": [] }\n` },
  ]),
  format("go", (url) => [
    { client: "go", file: "shell", text: `go env -w GOPROXY=${url}\n# a note\n` },
  ]),
];

const folder = mkdtempSync(join(tmpdir(), "holdfast-setup-"));
afterAll(() => rmSync(folder, { recursive: true }));
let home = folder;
beforeEach(() => {
  home = mkdtempSync(join(folder, "home-"));
});

async function setup(line: string, settings: Parameters<typeof fakeTerminal>[0] = {}) {
  const executed: string[][] = [];
  const execute = (command: string[]) => {
    executed.push(command);
    return null;
  };
  const terminal = fakeTerminal({ home, cwd: home, ...settings });
  const words = line.split(" ").filter(Boolean);
  const code = await runCli(["setup", ...words], [setupCommand({ formats, execute })], terminal);
  const shorten = (text: string) => text.replaceAll(home, "~");
  return {
    code,
    executed,
    out: shorten(terminal.printed.out),
    err: shorten(terminal.printed.err),
  };
}

test("into a pipe the lines of one file stand alone", async () => {
  const { out, code } = await setup("npm");
  expect([code, out]).toEqual([0, "registry=http://127.0.0.1:4653/npm/\n"]);
});

test("a person is told where the lines belong", async () => {
  const { out } = await setup("uv", { tty: true });
  expect(out).toBe(`uv  ~/.config/uv/uv.toml
  [[index]]
  url = "http://127.0.0.1:4653/pypi"

uv  shell
  export UV=http://127.0.0.1:4653/pypi

From other machines: add --url http://THIS-MACHINE:PORT
`);
});

test("several files in a pipe are told apart", async () => {
  expect((await setup("--repository pypi")).out).toStartWith(
    '# uv: ~/.config/uv/uv.toml\n[[index]]\nurl = "http://127.0.0.1:4653/pypi"\n\n# uv: shell\n',
  );
});

const addresses: [args: string, env: Record<string, string>, want: string][] = [
  ["--url https://p.example.test/", {}, "https://p.example.test/npm/"],
  ["--listen 0.0.0.0:8080", {}, "http://127.0.0.1:8080/npm/"],
  ["--listen [::1]:8080", {}, "http://[::1]:8080/npm/"],
  ["", { HOLDFAST_LISTEN: "build.example.test:80" }, "http://build.example.test:80/npm/"],
];
for (const [args, env, want] of addresses)
  test(`setup npm ${args} ${JSON.stringify(env)} names ${want}`, async () =>
    expect((await setup(`npm ${args}`, { env })).out).toBe(`registry=${want}\n`));

test("publicUrl is what clients are told", async () => {
  const file = join(home, "c.yaml");
  writeFileSync(file, "publicUrl: https://packages.example.test/\n");
  expect((await setup(`npm --config ${file}`)).out).toBe(
    "registry=https://packages.example.test/npm/\n",
  );
});

test("another repository of the same format is taken when it is asked for", async () => {
  const file = join(home, "c.yaml");
  writeFileSync(file, "repositories: { mine: { format: npm, offline: true } }\n");
  const asked = await setup(`npm --repository mine --config ${file}`);
  expect(asked.out).toBe("registry=http://127.0.0.1:4653/mine/\n");
  expect((await setup(`npm --config ${file}`)).out).toBe("registry=http://127.0.0.1:4653/npm/\n");
});

test("several repositories of one format are told when each has files of its own", async () => {
  const root = "http://127.0.0.1:4653";
  expect((await setup("apt")).out).toBe(
    ["debian", "debian-security"]
      .map(
        (name) => `# apt: shell
curl ${root}/${name}/-/key.asc > ${name}.asc

# apt: ~/sources/${name}.sources
URIs: ${root}/${name}

# apt: ~/sources/${name}.list
deb ${root}/${name}

`,
      )
      .join(""),
  );
  const one = await setup("apt --repository debian-security");
  expect(one.out).toContain("debian-security.sources");
  expect(one.out).not.toContain("debian.sources");
});

test("--write writes a file that is a repository's own, and leaves its commands to the person", async () => {
  const first = await setup("apt --repository debian --write");
  expect([first.code, first.executed, first.err]).toEqual([0, [], ""]);
  expect(first.out).toBe(`~/sources/debian.sources: written
Still to be run:
  curl http://127.0.0.1:4653/debian/-/key.asc > debian.asc
`);
  const file = join(home, "sources", "debian.sources");
  writeFileSync(file, "URIs: http://old.example.test/debian\n");
  expect((await setup("apt --repository debian --write")).out).toContain(
    "~/sources/debian.sources: changed; as it was: ~/sources/debian.sources.bak\n",
  );
  expect(readFileSync(file, "utf8")).toBe("URIs: http://127.0.0.1:4653/debian\n");
});

test("--write makes the file, and a second time changes nothing", async () => {
  const first = await setup("npm --write");
  expect([first.code, first.out]).toEqual([0, "~/.npmrc: written\n"]);
  const second = await setup("npm --write");
  expect([second.code, second.out]).toEqual([0, "~/.npmrc: already set up, nothing changed\n"]);
  expect(readFileSync(join(home, ".npmrc"), "utf8")).toBe("registry=http://127.0.0.1:4653/npm/\n");
});

test("--write keeps what was there, its mode, and a copy", async () => {
  const file = join(home, ".npmrc");
  const before = "//old.example.test/:_authToken=secret\nregistry=https://old.example.test/\n";
  writeFileSync(file, before);
  chmodSync(file, 0o600);
  const { out } = await setup("npm --write");
  expect(out).toBe("~/.npmrc: changed; as it was: ~/.npmrc.bak\n");
  expect(readFileSync(file, "utf8")).toBe(
    "//old.example.test/:_authToken=secret\nregistry=http://127.0.0.1:4653/npm/\n",
  );
  expect(readFileSync(`${file}.bak`, "utf8")).toBe(before);
  for (const path of [file, `${file}.bak`]) expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("--write takes the file of a client that has one, in the place that XDG says", async () => {
  const settings = join(home, "settings");
  const { out, code } = await setup("uv --write", { env: { XDG_CONFIG_HOME: settings } });
  expect([code, out]).toEqual([0, "~/settings/uv/uv.toml: written\n"]);
});

test("--write runs the client's own command where there is no file", async () => {
  const { out, executed, code } = await setup("go --write");
  expect(code).toBe(0);
  expect(executed).toEqual([["go", "env", "-w", "GOPROXY=http://127.0.0.1:4653/go"]]);
  expect(out).toBe("ran: go env -w GOPROXY=http://127.0.0.1:4653/go\n");
});

test("--write runs several of the client's own commands in their order, and leaves a project's file alone", async () => {
  const { out, err, executed, code } = await setup("composer --write");
  expect([code, err]).toEqual([0, ""]);
  const url = "http://127.0.0.1:4653/composer/";
  expect(executed).toEqual([
    ["composer", "config", "--global", "repositories.here", "composer", url],
    ["composer", "config", "--global", "secure-http", "false"],
  ]);
  expect(out).toBe(executed.map((command) => `ran: ${command.join(" ")}\n`).join(""));
});

test("what can neither be written nor run is shown, and is a failure", async () => {
  const { err, executed, code } = await setup("sh --write");
  expect([code, executed]).toEqual([1, []]);
  expect(err).toContain('  export INDEX="http://127.0.0.1:4653/pypi"\n');
});

test("a project's file is not made where no project is", async () => {
  const { err, code } = await setup("project --write");
  expect([code, err]).toEqual([1, "pyproject.toml: there is no such file in ~\n"]);
});

const refused: [line: string, want: string][] = [
  ["atp", 'unknown client "atp" (did you mean apt?)'],
  ["nmp", 'unknown client "nmp" (did you mean npm?)'],
  ["npm --repository ppi", 'unknown repository "ppi" (did you mean pypi?)'],
  ["npm --repository pypi", 'unknown client "npm" (known: uv, sh)'],
  ["npm --url example.test", "--url: expected an http:// or https:// URL"],
  ["--write", "--write needs a CLIENT"],
];
for (const [line, want] of refused)
  test(`setup ${line} is wrong usage`, async () => {
    const { code, err } = await setup(line);
    expect(code).toBe(2);
    expect(err).toContain(want);
  });

test("what the lines do not say stands beside them: other machines, and where a token goes", async () => {
  const open = await setup("npm --listen 0.0.0.0:8080");
  expect(open.out).toBe("registry=http://127.0.0.1:8080/npm/\n");
  expect(open.err).toContain("127.0.0.1 is this machine alone");
  expect(open.err).toContain(
    "Reading takes a token (holdfast token create, or http://127.0.0.1:8080/-/account), in ~/.npmrc: //127.0.0.1:8080/npm/:_authToken=hf_…",
  );
  expect((await setup("npm")).err).toBe("");
  const file = join(home, "c.yaml");
  writeFileSync(
    file,
    "listen: 0.0.0.0:80\npublicUrl: https://p.example.test\naccess: { anonymous: read }\n",
  );
  expect((await setup(`npm --config ${file}`)).err).toBe("");
  const clients = ["npm", "yarn-berry", "uv", "go", "twine", "composer", "apt"];
  const lines = clients.map(
    (client) => credentialLine(client, "http://h.example.test:8080/one")![1],
  );
  expect(new Set(lines).size).toBe(clients.length);
  expect(credentialLine("apt", "https://h.example.test/debian")![1]).toBe(
    "machine h.example.test/debian login ci password hf_…",
  );
  expect(credentialLine("coral", "https://h.example.test/one")).toBeNull();
});
