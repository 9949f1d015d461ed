// Code that means harm, as clients of Go and Composer meet it: each ends in a clear problem or in what is harmless of it, and others go on.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readDirectory } from "../src/archive/zip.ts";
import { loadConfig } from "../src/config/load.ts";
import { createLog } from "../src/core/log.ts";
import { formats } from "../src/formats/index.ts";
import { makeRepository, type TestRepository } from "../src/git/testkit.ts";
import { type Running, start } from "../src/server/start.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";

const HOST = "git.example.test/evil";
const home = tempFolder("hostile-code");
const ran = join(home, "ran");
const log: string[] = [];
let server: Running;

const base = (name: string) => ({
  "go.mod": `module ${HOST}/${name}\n`,
  "composer.json": JSON.stringify({ name: `evil/${name}` }),
  "a.go": "package a\n",
});
const ofTree = (code: TestRepository, entries: [mode: string, name: string, id: string][]) => {
  const parts = entries.flatMap(([mode, name, id]) => [
    `${mode} ${name}\0`,
    Buffer.from(id, "hex"),
  ]);
  writeFileSync(join(home, "tree"), Buffer.concat(parts.map((part) => Buffer.from(part))));
  return code.git("hash-object", "-t", "tree", "-w", "--literally", join(home, "tree"));
};
const tagTree = (code: TestRepository, tree: string) =>
  code.git("update-ref", "refs/tags/v1.0.0", code.git("commit-tree", "-m", "evil", tree));
const known = (code: TestRepository) =>
  ["go.mod", "composer.json", "a.go"].map((name): [string, string, string] => [
    "100644",
    name,
    code.git("rev-parse", `HEAD:${name}`),
  ]);

/** What is told of a module's zip and of a package's archive: the files of it, or a status and words. */
type Told = string[] | [status: number, words: string];
/** "none": Composer is shown no version. */
const cases: [name: string, make: (code: TestRepository) => void, go: Told, php: Told | "none"][] =
  [
    [
      "large",
      (code) => code.commit({ blob: randomBytes(3 * 2 ** 20) }),
      [413, "larger than 2.0 MiB"],
      [413, "larger than 2.0 MiB"],
    ],
    [
      "links",
      (code) => code.commit({ out: "-> /etc/passwd", up: "-> ../../../x", in: "-> a.go" }),
      ["a.go", "composer.json", "go.mod"],
      ["a.go", "composer.json", "go.mod", "in"],
    ],
    [
      "linked-manifest",
      (code) => code.commit({ "go.mod": "-> /etc/passwd", "composer.json": "-> /etc/passwd" }),
      [404, "without a name"],
      "none",
    ],
    [
      "large-manifest",
      (code) =>
        code.commit({ "go.mod": `//${"y".repeat(17e6)}`, "composer.json": " ".repeat(600_000) }),
      [413, "go.mod is larger than"],
      "none",
    ],
    [
      "nested-manifest",
      (code) => code.commit({ "composer.json": `${"[".repeat(1e5)}${"]".repeat(1e5)}` }),
      ["a.go", "composer.json", "go.mod"],
      "none",
    ],
    [
      "submodule",
      (code) => {
        const url = `ext::sh -c touch% ${ran}`;
        code.commit({
          ".gitmodules": `[submodule "x"]\n\tpath = x\n\turl = ${url}\n`,
          ".gitattributes": "* filter=evil diff=evil export-subst\n",
          ".gitconfig": `[filter "evil"]\n\tsmudge = touch ${ran}\n[include]\n\tpath = /etc/passwd\n`,
          ".githooks/post-checkout": `#!/bin/sh\ntouch ${ran}\n`,
        });
        code.git("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},x`);
        code.git("commit", "--quiet", "--message", "A submodule");
      },
      [
        ".gitattributes",
        ".gitconfig",
        ".githooks/post-checkout",
        ".gitmodules",
        "a.go",
        "composer.json",
        "go.mod",
      ],
      [
        ".gitattributes",
        ".gitconfig",
        ".githooks/post-checkout",
        ".gitmodules",
        "a.go",
        "composer.json",
        "go.mod",
      ],
    ],
    [
      "collision",
      (code) => code.commit({ "A.go": "package a\n" }),
      [424, "differ in case alone"],
      ["A.go", "a.go", "composer.json", "go.mod"],
    ],
    [
      "climbing",
      (code) => {
        const [mod, manifest, file] = known(code);
        tagTree(code, ofTree(code, [["100644", "..", file![2]], manifest!, mod!]));
      },
      [424, "name of dots"],
      [424, "invalid path '..'"],
    ],
    [
      "endless",
      (code) => {
        const [mod, manifest, file] = known(code);
        let tree = ofTree(code, [file!]);
        const ten = () => Array.from({ length: 10 }, (_, at) => `folder-${at}`);
        for (let depth = 0; depth < 20; depth += 1)
          tree = ofTree(
            code,
            ten().map((name) => ["40000", name, tree]),
          );
        tagTree(code, ofTree(code, [manifest!, ["40000", "d", tree], mod!]));
      },
      [413, "has too many files"],
      [413, "has too many files"],
    ],
    [
      "odd-refs",
      (code) => {
        const commit = code.git("rev-parse", "HEAD");
        for (const ref of ["heads/-x", "tags/--upload-pack=evil", "tags/$(touch-x)", "heads/a;b"])
          code.git("update-ref", `refs/${ref}`, commit);
      },
      ["a.go", "composer.json", "go.mod"],
      ["a.go", "composer.json", "go.mod"],
    ],
  ];

beforeAll(async () => {
  for (const [name, make] of cases) {
    const code = makeRepository(join(home, "host", name));
    code.commit(base(name));
    make(code);
    if (!code.git("tag").includes("v1.0.0")) code.tag("v1.0.0");
  }
  const sources = (names: string) => [{ names, git: `file://${home}/host/{1}`, limit: "2MiB" }];
  const others = ["npm", "pypi", "debian", "debian-security"].map((name) => [name, false]);
  const repositories = {
    ...Object.fromEntries(others),
    go: { upstreams: [], sources: sources(`${HOST}/*`) },
    composer: { upstreams: [], sources: sources("evil/*") },
  };
  const file = join(home, "holdfast.yaml");
  writeFileSync(file, JSON.stringify({ access: { anonymous: "read" }, repositories }));
  const flags = { data: join(home, "data"), listen: "127.0.0.1:0" };
  const config = loadConfig({ file, formats, flags, env: {} });
  server = await start({ config, log: createLog("json", (line) => void log.push(line)) });
}, 120_000);
afterAll(async () => {
  await server.stop(0);
  removeTemp(home);
});

/** As it is told: the names in an archive without the folder that Go puts before them, or a status with what is said. */
async function told(path: string, wanted: Told): Promise<Told> {
  const answer = await fetch(`${server.url}${path}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (answer.status !== 200) {
    const words = String(wanted[1]);
    return [answer.status, bytes.toString().includes(words) ? words : bytes.toString()];
  }
  const read = async (from: number, size: number) => bytes.subarray(from, from + size);
  const entries = await readDirectory({ size: bytes.length, read });
  return entries.map(({ name }) => name.replace(/^.*@v1\.0\.0\//, "")).sort();
}

for (const [name, , go, php] of cases)
  test(`${name}: harms nobody, and is told as what it is`, async () => {
    expect(await told(`/go/${HOST}/${name}/@v/v1.0.0.zip`, go)).toEqual(go);
    const answer = await fetch(`${server.url}/composer/p2/evil/${name}.json`);
    const text = await answer.text();
    const [version] = answer.ok ? JSON.parse(text).packages[`evil/${name}`] : [];
    if (php === "none") expect([answer.status, version]).toEqual([200, undefined]);
    else if (answer.ok) expect(await told(new URL(version.dist.url).pathname, php)).toEqual(php);
    else expect([answer.status, text]).toEqual([php[0], expect.stringContaining(String(php[1]))]);
    expect(existsSync(ran)).toBe(false);
    expect(log.filter((line) => JSON.parse(line).level === "error")).toEqual([]);
  }, 120_000);
