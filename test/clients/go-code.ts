// A code host with awkward repositories, and the real go command that asks it directly, or a server of ours.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeRepository, type TestRepository } from "../../src/git/testkit.ts";
import { run } from "../support/run.ts";

/** Where the modules of a code host are: go takes what ends in ".git" for the place of a Git repository, without asking anybody. */
export const HOST = "git.example.test/team";

export const mod = (path: string, more = "") => `module ${HOST}/${path}\n\ngo 1.20\n${more}`;

export function codeHost(folder: string) {
  const repositories = new Map<string, TestRepository>();
  return {
    folder,
    /** As `sources` of the configuration has it. */
    source: { names: `${HOST}/*.git`, git: `file://${folder}/{1}` },
    make(name: string): TestRepository {
      const made = makeRepository(join(folder, name));
      repositories.set(name, made);
      return made;
    },
  };
}

export interface Downloaded {
  Version?: string;
  Sum?: string;
  GoModSum?: string;
  Error?: string;
  /** The commit's time, of the .info. */
  Time?: string;
}

/** The go command in a home of its own. */
export function goCommand(go: string[], home: string, env: Record<string, string>) {
  mkdirSync(join(home, "work"), { recursive: true });
  writeFileSync(join(home, "work", "go.mod"), "module work.example.test/work\n\ngo 1.20\n");
  const all = {
    HOME: home,
    PATH: `${process.env["PATH"]}:/usr/local/go/bin`,
    GOPATH: join(home, "go"),
    GOCACHE: join(home, "cache"),
    GOTOOLCHAIN: "local",
    GOFLAGS: "-modcacherw -mod=mod",
    GONOSUMDB: "git.example.test",
    GIT_CONFIG_NOSYSTEM: "1",
    ...env,
  };
  const command = (...args: string[]) =>
    run([...go, ...args], { cwd: join(home, "work"), env: all });
  return {
    command,
    async must(...args: string[]): Promise<string> {
      const { code, stdout, output } = await command(...args);
      if (code !== 0) throw new Error(`go ${args.join(" ")}: ${output}`);
      return stdout.trim();
    },
    async download(what: string): Promise<Downloaded> {
      const { stdout } = await command("mod", "download", "-json", what);
      const said = JSON.parse(stdout || "{}") as Downloaded & { Info?: string };
      if (said.Error !== undefined || !said.Info) return { Error: said.Error ?? "nothing" };
      const { Time } = await Bun.file(said.Info).json();
      return { Version: said.Version!, Sum: said.Sum!, GoModSum: said.GoModSum!, Time };
    },
  };
}

/** The same, asking the code host itself. */
export function directGo(go: string[], home: string, folder: string) {
  mkdirSync(home, { recursive: true });
  const config = join(home, "gitconfig");
  writeFileSync(
    config,
    `[url "file://${folder}/"]\n\tinsteadOf = https://${HOST}/\n[protocol "file"]\n\tallow = always\n`,
  );
  return goCommand(go, home, {
    GOPROXY: "direct",
    GIT_CONFIG_GLOBAL: config,
    GIT_ALLOW_PROTOCOL: "file:https",
  });
}

/** Modules and versions that only just are what they are, with what each is about. */
export function awkward(make: (name: string) => TestRepository): [string, string][] {
  const cases: [string, string][] = [];
  const ask = (module: string, ...versions: string[]) => {
    for (const version of versions) cases.push([`${HOST}/${module}`, version]);
  };

  const plain = make("plain");
  plain.commit({ "go.mod": mod("plain.git"), "a.go": "package plain\n", LICENSE: "free\n" });
  plain.tag("v1.0.0");
  plain.git("tag", "--annotate", "--message", "A release", "v1.0.1");
  const middle = plain.commit({ "b.go": "package plain\n", "run.sh": "#!/bin/sh\n" });
  plain.tag("v1.1.0-rc.1");
  plain.commit({ "c.go": "package plain\n" });
  plain.tag("v1.1");
  plain.git("branch", "feature/x", middle);
  plain.commit({ "d.go": "package plain\n" });
  ask("plain.git", "v1.0.0", "v1.0.1", "v1.1.0-rc.1", "latest", "main", "HEAD");
  ask("plain.git", middle, middle.slice(0, 12), middle.slice(0, 7), "v1.1.0", "v9.9.9", "nothing");
  ask("plain.git", "v1", "<v1.0.1", "v1.0.0+incompatible", "v2.0.0+incompatible");
  ask("plain.git/sub", "latest", "v1.0.0");
  ask("plain.git/v2", "latest");

  const old = make("old");
  const first = old.commit({ "a.go": "package old\n" });
  old.tag("v0.1.0");
  old.commit({ "b.go": "package old\n" });
  old.tag("v2.0.0");
  old.tag("v3.1.0");
  old.commit({ "c.go": "package old\n" });
  ask(
    "old.git",
    "v0.1.0",
    "v2.0.0+incompatible",
    "v3.1.0+incompatible",
    "v2.0.0",
    "latest",
    "main",
  );
  ask("old.git", first);

  const majors = make("majors");
  majors.commit({ "go.mod": mod("majors.git"), "a.go": "package majors\n" });
  majors.tag("v1.0.0");
  majors.commit({ "go.mod": mod("majors.git/v2") });
  majors.tag("v2.0.0");
  majors.commit({ "v3/go.mod": mod("majors.git/v3"), "v3/a.go": "package majors\n" });
  majors.tag("v3.0.0");
  majors.commit({ "v3/b.go": "package majors\n" });
  ask("majors.git", "v1.0.0", "v2.0.0", "latest", "main");
  ask("majors.git/v2", "v2.0.0", "latest", "main", "v1.0.0");
  ask("majors.git/v3", "v3.0.0", "latest", "main");
  ask("majors.git/v4", "latest");

  const mono = make("mono");
  mono.commit({
    "go.mod": mod("mono.git"),
    LICENSE: "of the root\n",
    "a.go": "package mono\n",
    "sub/go.mod": mod("mono.git/sub"),
    "sub/a.go": "package sub\n",
    "sub/deep/a.go": "package deep\n",
    "sub/deeper/go.mod": mod("mono.git/sub/deeper"),
    "sub/deeper/a.go": "package deeper\n",
    "licensed/go.mod": mod("mono.git/licensed"),
    "licensed/LICENSE": "its own\n",
    "plain/a.go": "package plain\n",
  });
  mono.tag("v1.0.0");
  mono.tag("sub/v1.2.0");
  mono.tag("sub/deeper/v0.1.0");
  mono.tag("licensed/v1.0.0");
  mono.commit({ "sub/go.mod": mod("mono.git/sub/v2"), "sub/b.go": "package sub\n" });
  mono.tag("sub/v2.0.0");
  mono.commit({ "a.go": "package mono // more\n" });
  ask("mono.git", "v1.0.0", "latest", "main");
  ask("mono.git/sub", "v1.2.0", "latest", "main");
  ask("mono.git/sub/v2", "v2.0.0", "latest", "main");
  ask("mono.git/sub/deeper", "v0.1.0", "main");
  ask("mono.git/licensed", "v1.0.0");
  ask("mono.git/plain", "latest", "v1.0.0");

  const attributes = make("attributes");
  attributes.commit({
    "go.mod": mod("attributes.git"),
    ".gitattributes":
      "*.dos text eol=crlf\nsubst export-subst\nhidden export-ignore\nid ident\n*.bin filter=lfs diff=lfs merge=lfs -text\nutf16 working-tree-encoding=UTF-16LE\nauto text=auto\n",
    "a.dos": "one\ntwo\n",
    subst: "$Format:%H %d$\n",
    hidden: "is here\n",
    id: "$Id$\n",
    "a.bin": "version https://git-lfs.example.test/spec/v1\noid sha256:00\nsize 3\n",
    auto: "three\n",
    raw: "four\r\nfive\r\n",
  });
  attributes.tag("v1.0.0");
  ask("attributes.git", "v1.0.0");

  const links = make("links");
  const other = make("other");
  const inner = other.commit({ "go.mod": mod("other.git"), "a.go": "package other\n" });
  links.commit({
    "go.mod": mod("links.git"),
    "a.go": "package links\n",
    link: "-> a.go",
    out: "-> /etc/passwd",
    folder: "-> sub",
    "sub/LICENSE": "-> ../LICENSE",
    "sub/go.mod": mod("links.git/sub"),
    LICENSE: "of the root\n",
    "vendor/modules.txt": "# none\n",
    "vendor/x.test/y/y.go": "package y\n",
    "pkg/vendor/vendor.go": "package vendor\n",
    "pkg/vendor/z/z.go": "package z\n",
    ".hg_archival.txt": "hg\n",
    "Ünïcode.go": "package links\n",
    "with space.txt": "here\n",
  });
  links.git("update-index", "--add", "--cacheinfo", `160000,${inner},module`);
  links.git("commit", "--quiet", "--message", "A submodule");
  links.tag("v1.0.0");
  links.tag("sub/v1.0.0");
  ask("links.git", "v1.0.0");
  ask("links.git/sub", "v1.0.0");

  const newer = make("newer");
  newer.commit({
    "go.mod": `module ${HOST}/newer.git\n\ngo 1.24\n`,
    "vendor/modules.txt": "# none\n",
    "pkg/vendor/vendor.go": "package vendor\n",
    "pkg/vendor/z/z.go": "package z\n",
  });
  newer.tag("v1.0.0");
  ask("newer.git", "v1.0.0");

  const retracted = make("retracted");
  retracted.commit({ "go.mod": mod("retracted.git"), "a.go": "package retracted\n" });
  retracted.tag("v1.0.0");
  retracted.commit({ "a.go": "package retracted // two\n" });
  retracted.tag("v1.1.0");
  retracted.commit({
    "go.mod": mod("retracted.git", "\nretract (\n\tv1.1.0 // a mistake\n\t[v1.2.0, v1.2.9]\n)\n"),
  });
  retracted.tag("v1.2.0");
  retracted.commit({ "b.go": "package retracted\n" });
  ask("retracted.git", "latest", "main", "v1.1.0", "v1.2.0");

  const bad = make("bad");
  bad.commit({ "go.mod": mod("bad.git"), "A.go": "package bad\n", "a.go": "package bad\n" });
  bad.tag("v1.0.0");
  bad.git("rm", "--quiet", "A.go");
  bad.commit({ "aux.go": "package bad\n" });
  bad.tag("v1.0.1");
  bad.git("rm", "--quiet", "aux.go");
  bad.commit({ "what?.go": "package bad\n" });
  bad.tag("v1.0.2");
  bad.git("rm", "--quiet", "what?.go");
  bad.commit({ "sub/GO.MOD": "module x\n", "sub/a.go": "package sub\n", "ok.go": "package bad\n" });
  bad.tag("v1.0.3");
  ask("bad.git", "v1.0.0", "v1.0.1", "v1.0.2", "v1.0.3");

  const renamed = make("renamed");
  renamed.commit({ "go.mod": "module elsewhere.test/x\n", "a.go": "package x\n" });
  renamed.tag("v1.0.0");
  renamed.commit({ "go.mod": 'module "git.example.test/team/renamed.git" // quoted\n' });
  renamed.tag("v1.0.1");
  renamed.commit({ "go.mod": "// nothing\n" });
  renamed.tag("v1.0.2");
  ask("renamed.git", "v1.0.0", "v1.0.1", "v1.0.2", "main");

  const odd = make("odd");
  odd.commit({ "go.mod": mod("odd.git"), "a.go": "package odd\n" });
  odd.tag("v1.2.3+meta");
  odd.tag("release-1");
  odd.tag("v01.0.0");
  odd.git("branch", "v1");
  odd.git("branch", "digits");
  odd.commit({ "b.go": "package odd\n" });
  odd.git("tag", "--annotate", "--message", "A tag of a tag", "v1.3.0", "release-1");
  odd.git("tag", "tree", "HEAD^{tree}");
  odd.git("checkout", "--quiet", "-b", "side", "HEAD~1");
  odd.commit({ "c.go": "package odd\n" });
  odd.tag("v1.9.0");
  odd.git("checkout", "--quiet", "main");
  odd.git("merge", "--quiet", "--no-ff", "--message", "Merge", "side");
  odd.commit({ "d.go": "package odd\n" });
  odd.git("branch", "apart", "main~2");
  ask(
    "odd.git",
    "main",
    "side",
    "apart",
    "digits",
    "latest",
    "v1",
    "v1.2.3",
    "v1.3.0",
    "tree",
    "release-1",
  );

  const deep = make("deep");
  deep.commit({
    "real.mod": mod("deep.git/linked"),
    "linked/go.mod": "-> ../real.mod",
    "linked/a.go": "package linked\n",
    "x/go.mod": mod("deep.git/x"),
    "x/a.go": "package x\n",
    "x/v2/go.mod": mod("deep.git/x/v2"),
    "x/v2/a.go": "package x\n",
    "both/go.mod": mod("deep.git/both/v2"),
    "both/v2/go.mod": mod("deep.git/both/v2"),
  });
  for (const tag of ["linked/v1.0.0", "x/v1.0.0", "x/v2.0.0", "both/v2.0.0"]) deep.tag(tag);
  ask("deep.git/linked", "v1.0.0", "main");
  ask("deep.git/x", "v1.0.0", "main");
  ask("deep.git/x/v2", "v2.0.0", "main");
  ask("deep.git/both/v2", "v2.0.0");
  ask("deep.git", "latest", "main");

  const climbing = make("climbing");
  climbing.commit({ "go.mod": mod("climbing.git") });
  const blob = climbing.git("rev-parse", "HEAD:go.mod");
  const entry = (name: string) =>
    Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, "hex")]);
  const tree = join(climbing.folder, ".git", "evil-tree");
  writeFileSync(tree, Buffer.concat([entry(".."), entry("go.mod")]));
  const id = climbing.git("hash-object", "-t", "tree", "-w", "--literally", tree);
  climbing.git("update-ref", "refs/tags/v1.0.0", climbing.git("commit-tree", "-m", "evil", id));
  ask("climbing.git", "v1.0.0");

  make("empty");
  ask("empty.git", "latest", "v1.0.0");
  ask("missing.git", "latest", "v1.0.0");
  return cases;
}
