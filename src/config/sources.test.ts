import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formats } from "../formats/index.ts";
import { ConfigError } from "./errors.ts";
import { loadConfig } from "./load.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-config-"));
  writeFileSync(join(folder, "token"), "glpat-secret\n");
  writeFileSync(join(folder, "key"), "a private key\n");
  writeFileSync(join(folder, "host"), "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG\n");
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(...sources: object[]) {
  const file = join(folder, "holdfast.yaml");
  const go = { format: "go", upstreams: [], sources };
  writeFileSync(file, JSON.stringify({ repositories: { private: go } }));
  const config = loadConfig({ file, formats, flags: {}, env: {} });
  return config.repositories.find(({ name }) => name === "private")!;
}

/** What is said of all mistakes, with places in one column. */
function mistakes(...sources: object[]): string {
  try {
    load(...sources);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.replaceAll(`${folder}/`, "").replace(/ {2,}/g, ": ");
  }
  return "";
}

const names = "git.example.com/team/*";
const https = { names, git: "https://git.example.com/team/{1}.git" };
const ssh = { names, git: "ssh://git@git.example.com/team/{1}.git", hostKeyFile: "host" };

test("a repository of code hosts alone needs no upstream", () => {
  const { sources, claims, upstreams } = load(
    { ...https, tokenFile: "token", every: "10m", limit: "1GiB" },
    { ...ssh, sshKeyFile: "key" },
  );
  expect([claims, upstreams]).toEqual([[], []]);
  expect(sources).toEqual([
    { ...https, token: "glpat-secret", everyMs: 600_000, limit: 2 ** 30 },
    {
      names,
      git: ssh.git,
      sshKeyFile: join(folder, "key"),
      hostKeys: "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG\n",
      everyMs: 3_600_000,
      limit: 4 * 2 ** 30,
    },
  ]);
});

test("a proxy has its password from a file, and looks names up itself", () => {
  const { sources } = load(
    { ...https, proxy: "http://exit@proxy.example.com:3128", proxyPasswordFile: "token" },
    { ...https, proxy: "socks5://proxy.example.com:1080" },
  );
  expect(sources.map(({ proxy }) => proxy)).toEqual([
    "http://exit:glpat-secret@proxy.example.com:3128/",
    "socks5h://proxy.example.com:1080",
  ]);
});

const at = "repositories.private.sources[0]";
const wrong: [source: object, mistake: string][] = [
  [
    { ...https, git: "http://git.example.com/{1}" },
    `${at}.git: expected an https:// or ssh:// URL: git speaks no other protocol here`,
  ],
  [
    { ...https, git: "ext::sh -c id" },
    `${at}.git: expected a URL, like https://git.example.com/team/lib.git`,
  ],
  [
    { ...https, git: "git@git.example.com:team/{1}" },
    `${at}.git: expected a URL, like https://git.example.com/team/lib.git`,
  ],
  [
    { ...https, git: "https://a:b@git.example.com/{1}" },
    `${at}.git: has credentials in it: they belong into username and passwordFile, or tokenFile`,
  ],
  [{ ...https, git: "https://git.example.com/{2}" }, `${at}.git: has {2}, and names has 1 of *`],
  [{ names: "*/x", git: "https://{1}/x" }, `${at}.git: its host may not come from a name`],
  [{ ...https, sshKeyFile: "key" }, `${at}.git: sshKeyFile and hostKeyFile are for ssh:// alone`],
  [
    { names, git: ssh.git },
    `${at}.git: needs hostKeyFile beside it: the host's key, as \`ssh-keyscan\` writes it`,
  ],
  [{ ...ssh, hostKeyFile: "token" }, `${at}.hostKeyFile: token holds no public key`],
  [{ ...ssh, tokenFile: "token" }, `${at}.git: passwords, tokens and ca are for https:// alone`],
  [{ ...ssh, proxy: "http://proxy.example.com:3128" }, `${at}.proxy: is for https:// alone`],
  [
    { ...https, proxy: "http://proxy.example.com:3128", proxyPasswordFile: "token" },
    `${at}.proxy: needs the user name of the proxy's password: http://NAME@HOST:PORT`,
  ],
  [{ ...https, passwordFile: "token" }, `${at}: has a password but no username`],
  [
    { ...https, names: "git.example.com//x" },
    `${at}.names: expected a pattern of names, like git.example.com/team/*`,
  ],
];
for (const [source, mistake] of wrong)
  test(`a source is refused: ${mistake}`, () => {
    expect(mistakes(source)).toContain(mistake);
  });
