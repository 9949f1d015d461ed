// Code hosts and repositories that mean harm: each ends in a clear problem, and nothing is left of it.
import { afterEach, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificate } from "../../test/support/certificates.ts";
import { waitFor } from "../../test/support/wait.ts";
import type { SourceSettings } from "../core/source.ts";
import { serveProxy } from "../upstream/testkit.ts";
import { hostKeysIn, reachOf } from "./address.ts";
import { openMirrors } from "./mirrors.ts";
import { isRefName } from "./refs.ts";
import { createSandbox, GitFailed } from "./sandbox.ts";
import { makeRepository, serveGit, type TestRepository } from "./testkit.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function scene(options: Parameters<typeof openMirrors>[1] = {}) {
  const data = mkdtempSync(join(tmpdir(), "holdfast-hostile-"));
  cleanups.push(() => rmSync(data, { recursive: true, force: true }));
  const code = makeRepository(join(data, "host", "lib"));
  const mirrors = openMirrors(join(data, "git"), options);
  const matchOf = (url: string, more: Partial<SourceSettings> = {}) => {
    const settings = { names: "x.test/lib", git: url, everyMs: 1, limit: 2 ** 30, ...more };
    return { root: "x.test/lib", url, settings };
  };
  return { data, code, mirrors, matchOf, match: matchOf(code.url) };
}

test("what is larger than its limit is given up while it comes, and nothing of it stays", async () => {
  const { data, code, mirrors, matchOf } = scene({ fileSize: 2 * 2 ** 20 });
  code.commit({ "big.bin": randomBytes(4 * 2 ** 20) });
  const match = matchOf(code.url, { limit: 2 ** 20 });
  await expect(mirrors.fetch(match, null)).rejects.toThrow(/file:\/\/.*lib/);
  const left = readdirSync(join(data, "git"), { recursive: true }).map(String);
  expect(left.filter((name) => /tmp_|\.lock$|\.pack$/.test(name))).toEqual([]);
});

test("what is larger than its limit is given up also when it came at once", async () => {
  const { data, code, mirrors, matchOf } = scene();
  code.commit({ "big.bin": randomBytes(2 * 2 ** 20) });
  const match = matchOf(code.url, { limit: 2 ** 20 });
  for (let attempt = 0; attempt < 2; attempt += 1)
    await expect(mirrors.fetch(match, null)).rejects.toMatchObject({
      kind: "tooLarge",
      message: expect.stringContaining("larger than 1.0 MiB (sources: limit)"),
    });
  expect(mirrors.has(match.url)).toBe(false);
  const left = readdirSync(join(data, "git"), { recursive: true }).map(String);
  expect(left.filter((name) => /\.pack$|coming/.test(name))).toEqual([]);
});

/** A tree of these entries, as no git would make it. */
function treeOf(
  data: string,
  code: TestRepository,
  entries: [mode: string, name: string, id: string][],
) {
  const parts = entries.flatMap(([mode, name, id]) => [
    Buffer.from(`${mode} ${name}\0`),
    Buffer.from(id, "hex"),
  ]);
  const file = join(data, "tree");
  writeFileSync(file, Buffer.concat(parts));
  return code.git("hash-object", "-t", "tree", "-w", "--literally", file);
}

test("a tree of trees that is a hundred million files is told of as too large, and its commit is read all the same", async () => {
  const { data, code, mirrors, match } = scene();
  code.commit({ "a.txt": "one\n" });
  let tree = treeOf(data, code, [["100644", "a", code.git("rev-parse", "HEAD:a.txt")]]);
  for (let depth = 0; depth < 8; depth += 1)
    tree = treeOf(
      data,
      code,
      Array.from({ length: 10 }, (_, at) => ["40000", `folder-${at}`, tree]),
    );
  const commit = code.git("commit-tree", "-m", "bomb", tree);
  code.git("update-ref", "refs/tags/v1.0.0", commit);
  await mirrors.fetch(match, null);
  const read = mirrors.read(match.url);
  expect((await read.commit(commit))?.id).toBe(commit);
  expect(await read.file(commit, "a.txt", 10)).toBeNull();
  await expect(read.tree(commit)).rejects.toMatchObject({
    kind: "tooLarge",
    message: expect.stringContaining(`Commit ${commit} has too many files`),
  });
}, 120_000);

test("an archive that git refuses to make is a problem of the code", async () => {
  const { data, code, mirrors, match } = scene();
  code.commit({ "a.txt": "one\n" });
  const blob = code.git("rev-parse", "HEAD:a.txt");
  const commit = code.git(
    "commit-tree",
    "-m",
    "evil",
    treeOf(data, code, [["100644", "..", blob]]),
  );
  code.git("update-ref", "refs/heads/evil", commit);
  await mirrors.fetch(match, null);
  const archive = mirrors.read(match.url).archive(commit, { exportIgnore: true });
  await expect(Array.fromAsync(archive)).rejects.toMatchObject({
    kind: "malformed",
    message: expect.stringContaining("invalid path '..'"),
  });
});

test("hooks, configuration and submodules of a repository are never run, read or fetched", async () => {
  const { data, code, mirrors, match } = scene();
  const ran = join(data, "ran");
  const script = `#!/bin/sh\ntouch ${ran}\n`;
  for (const hook of ["post-checkout", "reference-transaction", "post-merge", "pre-auto-gc"])
    writeFileSync(join(code.folder, ".git", "hooks", hook), script, { mode: 0o755 });
  code.git("config", "uploadpack.packObjectsHook", `touch ${ran};`);
  code.git("config", "core.fsmonitor", `touch ${ran};`);
  rmSync(ran, { force: true });
  code.commit({
    ".gitmodules": `[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% ${ran}\n\tupdate = !touch ${ran}\n`,
    ".gitattributes": "* filter=evil diff=evil merge=evil\n",
    ".gitconfig": `[filter "evil"]\n\tsmudge = touch ${ran}\n[include]\n\tpath = /etc/passwd\n`,
    ".git-blame-ignore-revs": "x\n",
  });
  rmSync(ran, { force: true }); // the hooks of the host's own commit
  const fetched = (await mirrors.fetch(match, null))!;
  const commit = fetched.refs[0]!.commit;
  const read = mirrors.read(match.url);
  for await (const _ of read.archive(commit, { exportIgnore: true }));
  await read.tree(commit);
  expect(existsSync(ran)).toBe(false);
});

test("names that climb are told as they are, and nothing is written where they point", async () => {
  const { data, code, mirrors, match } = scene();
  code.commit({ "a.txt": "one\n" });
  const blob = code.git("rev-parse", "HEAD:a.txt");
  const tree = treeOf(data, code, [
    ["100644", "..", blob],
    ["100644", ".git", blob],
  ]);
  code.git("update-ref", "refs/heads/evil", code.git("commit-tree", "-m", "evil", tree));
  const { refs } = (await mirrors.fetch(match, null))!;
  const { commit } = refs.find(({ name }) => name === "evil")!;
  const paths = (await mirrors.read(match.url).tree(commit)).map(({ path }) => path);
  expect(paths).toEqual(["..", ".git"]);
  expect(await mirrors.read(match.url).file(commit, "..", 10)).toBeNull();
});

test("refs of odd names are left out, with the others as they should be", async () => {
  const { code, mirrors, match } = scene();
  const commit = code.commit({ "a.txt": "one\n" });
  for (const name of [
    "refs/heads/-x",
    "refs/tags/--upload-pack=evil",
    "refs/heads/HEAD",
    "refs/tags/v1.0.0",
  ])
    code.git("update-ref", name, commit);
  const evil = [
    "refs/heads/a..b",
    "refs/heads/a b",
    "refs/heads/x.lock",
    "refs/tags/a\u0007",
    "refs/tags/$(touch x)",
  ];
  code.git("pack-refs", "--all");
  appendFileSync(
    join(code.folder, ".git", "packed-refs"),
    evil.map((name) => `${commit} ${name}\n`).join(""),
  );
  code.git("tag", "blob", code.git("rev-parse", "HEAD:a.txt"));
  const { refs, skipped } = (await mirrors.fetch(match, null).catch((error) => {
    expect(error).toMatchObject({ kind: "unreachable" });
    return { refs: [], skipped: [] };
  }))!;
  for (const { name } of refs) expect(isRefName(name)).toBe(true);
  if (refs.length > 0) expect(skipped.map(({ what }) => what)).toContain("refs/heads/-x");
});

test("half a million refs are read no further than the bound, and nothing of them is kept", async () => {
  const { data, code, mirrors, match } = scene();
  const commit = code.commit({ "a.txt": "one\n" });
  const names = Array.from({ length: 500_000 }, (_, at) => `refs/tags/v1.0.${at}`).sort();
  const lines = names.map((name) => `${commit} ${name}\n`).join("");
  writeFileSync(
    join(code.folder, ".git", "packed-refs"),
    `# pack-refs with: peeled fully-peeled sorted \n${lines}`,
  );
  await expect(mirrors.fetch(match, null)).rejects.toMatchObject({
    kind: "tooLarge",
    message: expect.stringContaining("more than 50000 branches and tags"),
  });
  expect(readdirSync(join(data, "git"))).toEqual(["home"]);
}, 120_000);

test("https: a token goes to its code host alone, and into no message; no redirect is followed", async () => {
  const { data, code, mirrors, matchOf } = scene();
  code.commit({ "a.txt": "one\n" });
  const { authority, pair } = makeCertificate(["127.0.0.1"], 90);
  const token = "glpat-a-secret-token";
  const host = serveGit(join(data, "host"), pair, `oauth2:${token}`);
  const other = serveGit(join(data, "host"), pair, "nobody:nothing");
  const moved = serveGit(join(data, "host"), pair, "x:y", ({ url }) => {
    return Response.redirect(url.replace(new URL(url).host, new URL(other.url).host), 301);
  });
  cleanups.push(host.stop, other.stop, moved.stop);
  const ca = authority;
  const fetched = await mirrors.fetch(matchOf(`${host.url}/lib/.git`, { token, ca }), null);
  expect(fetched!.refs).toHaveLength(1);
  const failures = [
    [matchOf(`${host.url}/lib/.git`, { token: "glpat-another-token", ca }), "refused"],
    [matchOf(`${host.url}/nothing.git`, { token, ca }), "notFound"],
    [matchOf(`${moved.url}/lib/.git`, { token, ca }), "unreachable"],
    [matchOf(`${host.url}/lib/.git`, { token }), "unreachable"],
  ] as const;
  for (const [match, kind] of failures) {
    const error = await mirrors.fetch(match, null).then(
      () => null,
      (thrown) => thrown,
    );
    expect([match.url, error?.kind, error?.message]).toEqual([
      match.url,
      kind,
      expect.stringContaining(match.url),
    ]);
    expect(error.message).not.toMatch(/glpat|Basic/);
  }
  expect(other.seen).toEqual([]);
});

test("https through a proxy: the code host's name is the proxy's to look up, and its password is in no message", async () => {
  const { data, code, mirrors, matchOf } = scene();
  code.commit({ "a.txt": "one\n" });
  const { authority: ca, pair } = makeCertificate(["git.example.test"], 90);
  const host = serveGit(join(data, "host"), pair, "oauth2:a-token");
  const proxy = await serveProxy("exit:pass word");
  cleanups.push(host.stop, proxy.stop);
  const { port } = new URL(host.url);
  const at = (password: string) => `http://exit:${password}@127.0.0.1:${new URL(proxy.url).port}`;
  const url = `https://git.example.test:${port}/lib/.git`;
  const match = matchOf(url, { token: "a-token", ca, proxy: at("pass%20word") });
  expect((await mirrors.fetch(match, null))!.refs).toHaveLength(1);
  expect(proxy.heads.every((head) => head.startsWith(`CONNECT git.example.test:${port} `))).toBe(
    true,
  );
  expect(proxy.heads.join("")).not.toContain("a-token");
  const refused = mirrors.fetch(
    matchOf(url, { token: "a-token", ca, proxy: at("wrong-one") }),
    null,
  );
  const error = await refused.catch((thrown) => thrown);
  expect(error).toMatchObject({ kind: "unreachable" });
  expect(error.message).toContain("407");
  expect(error.message).not.toContain("wrong-one");
});

test("ssh: one key, one pinned host, and nobody's configuration", () => {
  const written = new Map<string, string>();
  const settings: SourceSettings = {
    names: "x.test/*",
    git: "ssh://git@git.example.com/{1}",
    everyMs: 1,
    limit: 1,
    sshKeyFile: "/run/secrets/it's a key",
    hostKeys:
      "# git.example.com:22\ngit.example.com ssh-ed25519 AAAAC3Nz\nssh-rsa AAAAB3Nz comment\n",
  };
  const { environment } = reachOf("ssh://git@git.example.com/lib", settings, (name, text) => {
    written.set(name, text);
    return `/data/${name}`;
  });
  expect(environment["GIT_ALLOW_PROTOCOL"]).toBe("ssh");
  expect(written.get("known_hosts")).toBe(
    "code-host ssh-ed25519 AAAAC3Nz\ncode-host ssh-rsa AAAAB3Nz\n",
  );
  const command = environment["GIT_SSH_COMMAND"]!;
  for (const part of [
    "'-F' 'none'",
    "'StrictHostKeyChecking=yes'",
    "'UserKnownHostsFile=/data/known_hosts'",
    "'-i' '/run/secrets/it'\\''s a key'",
  ])
    expect(command).toContain(part);
  expect(hostKeysIn("no key at all")).toEqual([]);
});

test("the sandbox: no more output, time or protocols than it was given", async () => {
  const { data, code } = scene();
  code.commit({ "a.txt": "x".repeat(100_000) });
  const home = join(data, "home");
  const sandbox = createSandbox({ home: data });
  const gitDir = join(code.folder, ".git");
  const call = { gitDir, args: ["cat-file", "blob", "HEAD:a.txt"] };
  await expect(sandbox.run({ ...call, outputLimit: 1000 })).rejects.toMatchObject({
    kind: "tooLarge",
  });
  await expect(
    sandbox.run({
      gitDir: null,
      args: ["ls-remote", "--end-of-options", `ext::sh -c 'touch ${home}'`],
    }),
  ).rejects.toBeInstanceOf(GitFailed);
  expect(existsSync(home)).toBe(false);
  const tiny = createSandbox({ home: data, memory: 1024 * 1024 });
  await expect(tiny.run(call)).rejects.toBeInstanceOf(GitFailed);
  const stopped = new AbortController();
  stopped.abort();
  await expect(sandbox.run({ ...call, signal: stopped.signal })).rejects.toThrow();
});

test("a fetch ends with the server, also with one that is killed: the next one is alone in the mirror", async () => {
  const { data } = scene();
  const asked = Promise.withResolvers<void>();
  const silent = createServer(() => asked.resolve());
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}/${data.replaceAll("/", "-")}`;
  const program = `
    const { openMirrors } = await import(${JSON.stringify(join(import.meta.dir, "mirrors.ts"))});
    const settings = { names: "x.test/lib", git: "", everyMs: 1, limit: 2 ** 30 };
    await openMirrors(${JSON.stringify(join(data, "git"))}).fetch({ root: "x.test/lib", url: ${JSON.stringify(url)}, settings }, null);`;
  const child = spawn(process.execPath, ["-e", program], { stdio: "ignore" });
  await asked.promise;
  expect(processesOf(url)).not.toEqual([]);
  child.kill("SIGKILL");
  await waitFor(
    () => processesOf(url).length === 0,
    () => `still at work: ${processesOf(url)}`,
  );
}, 30_000);

/** Command lines that name this URL. */
function processesOf(url: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      const line = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : "";
      return /^git|^sh|remote-https/.test(line) && line.includes(url) ? [line] : [];
    } catch {
      return []; // it has ended
    }
  });
}
