// Audits of clients that ask a database of vulnerabilities, and of Composer: the same report from feeds as from the database itself, and with the cable cut.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type FakeBucket, record, startBucket, type Told } from "../../src/advisories/testkit.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { commandOf, withPrograms } from "./clients.ts";
import { ComposerProject } from "./composer-project.ts";
import { runIn } from "./pypi-publishers.ts";

const MODIFIED = "2026-01-01T00:00:00Z";
const records: Record<string, Told> = {
  PyPI: record("GHSA-x7f2-q4m9-w3hp", MODIFIED, {
    ...flaw("PyPI", "estuary", "9"),
    published: MODIFIED,
    aliases: ["CVE-2026-7001"],
  }),
  Go: record("GO-2026-7001", MODIFIED, {
    ...flaw("Go", "example.test/rope", "1.6.0"),
    schema_version: "1.3.1",
    published: MODIFIED,
    aliases: ["CVE-2026-7002"],
    database_specific: { url: "https://advisories.example.test/7001" },
  }),
  Packagist: record("PKSA-7001", MODIFIED, {
    ...flaw("Packagist", "reef/coral", "9.0.0"),
    published: MODIFIED,
    aliases: ["CVE-2026-7003"],
    references: [{ type: "ADVISORY", url: "https://advisories.example.test/1002" }],
  }),
};

let upstream: FakeUpstream;
let server: ServerProcess;
const buckets: FakeBucket[] = [];
const home = tempFolder("audits-home");

function flaw(ecosystem: string, name: string, fixed: string) {
  const type = ecosystem === "Go" ? "SEMVER" : "ECOSYSTEM";
  const ranges = [{ type, events: [{ introduced: "0" }, { fixed }] }];
  const affected = { package: { ecosystem, name }, ranges };
  return {
    summary: "leaks",
    details: "It leaks at high tide.",
    affected: [
      ecosystem === "Go"
        ? { ...affected, ecosystem_specific: { imports: [{ path: name }] } }
        : affected,
    ],
  };
}

beforeAll(async () => {
  upstream = await startUpstream();
  const feeds = Object.entries(records).map(([ecosystem, one]) => {
    const bucket = startBucket(ecosystem);
    buckets.push(bucket);
    bucket.records.set(one.id, one);
    return { name: ecosystem.toLowerCase(), url: bucket.url, ecosystems: [ecosystem], every: "1s" };
  });
  server = await startProcess({ config: configText(upstream, { server: { feeds } }) });
  const places = ["pypi/-/osv/v1/vulns/GHSA-x7f2-q4m9-w3hp", "go/-/vulndb/ID/GO-2026-7001.json"];
  const advisories = "composer/api/security-advisories/?packages[]=reef/coral";
  await waitFor(
    async () => {
      const [one, two, three] = await Promise.all(
        [...places, advisories].map((path) => fetch(`${server.url}/${path}`)),
      );
      return one!.ok && two!.ok && (await three!.text()).includes("PKSA-7001");
    },
    () => `not all feeds were read:\n${server.output()}`,
    60_000,
  );
}, 120_000);
afterAll(async () => {
  await server.stop();
  await upstream.stop();
  for (const bucket of buckets) bucket.stop();
});

async function offline(act: () => Promise<void>): Promise<void> {
  await upstream.off();
  try {
    await act();
  } finally {
    await upstream.on();
  }
}

/** A service as OSV's that knows the one record of PyPI. */
function startOsv() {
  const one = records["PyPI"]!;
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === `/v1/vulns/${one.id}`) return Response.json(one);
      const asked = (await request.json()) as Record<string, unknown>;
      const isAbout = (query: unknown) =>
        (query as { package: { name: string } }).package.name === "estuary";
      if (pathname === "/v1/query") return Response.json(isAbout(asked) ? { vulns: [one] } : {});
      const hit = { vulns: [{ id: one.id, modified: one.modified }] };
      const queries = asked["queries"] as unknown[];
      return Response.json({ results: queries.map((query) => (isAbout(query) ? hit : {})) });
    },
  });
}

withPrograms(["uv"], () => {
  test("uv: its audit tells from feeds what it tells from OSV, also while the upstream is away", async () => {
    const folder = join(tempFolder("audits-uv"), "app");
    mkdirSync(folder, { recursive: true });
    const lines = ["[project]", 'name = "app"', 'version = "1"', 'requires-python = ">=3.9"'];
    writeFileSync(
      join(folder, "pyproject.toml"),
      [...lines, 'dependencies = ["estuary==1.0.1"]', ""].join("\n"),
    );
    const env = {
      UV_DEFAULT_INDEX: `${server.url}/pypi/simple/`,
      UV_CACHE_DIR: join(home, "uv"),
      UV_NO_PYTHON_DOWNLOADS: "1",
    };
    const audit = (url: string, ...more: string[]) => {
      const words = ["audit", "--preview", "--service-url", url, ...more];
      return runIn(folder, home, { command: [...commandOf("uv"), ...words], env });
    };
    const here = `${server.url}/pypi/-/osv/`;
    const found = await audit(here);
    expect([found.code, found.output]).toEqual([1, expect.stringContaining("GHSA-x7f2")]);
    const osv = startOsv();
    try {
      const direct = await audit(osv.url.href);
      expect([found.code, found.stdout]).toEqual([direct.code, direct.stdout]);
    } finally {
      await osv.stop(true);
    }
    await offline(async () => {
      expect((await audit(here, "--frozen")).stdout).toEqual(found.stdout);
    });
  }, 240_000);
});

withPrograms(["pip-audit"], () => {
  test("pip-audit: tells from feeds what it tells from OSV, also while the upstream is away", async () => {
    const folder = tempFolder("audits-pip-audit");
    const hash = `sha256:${"0".repeat(64)}`; // it resolves nothing where each line has one
    writeFileSync(join(folder, "requirements.txt"), `estuary==1.0.1 --hash=${hash}\n`);
    const audit = async (url: string) => {
      const words = ["-r", "requirements.txt", "--no-deps", "--disable-pip", "-f", "json"];
      const more = ["--progress-spinner", "off", "--cache-dir", join(home, "pip-audit")];
      const command = [...commandOf("pip-audit"), ...words, ...more];
      const service = ["-s", "osv", "--osv-url", `${url}v1/query`];
      const done = await runIn(folder, home, { command: [...command, ...service], env: {} });
      return { code: done.code, report: done.stdout, output: done.output };
    };
    const here = `${server.url}/pypi/-/osv/`;
    const found = await audit(here);
    expect([found.code, found.output]).toEqual([1, expect.stringContaining("CVE-2026-7001")]);
    const osv = startOsv();
    try {
      expect(await audit(osv.url.href)).toEqual(found);
    } finally {
      await osv.stop(true);
    }
    await offline(async () => expect(await audit(here)).toEqual(found));
  }, 240_000);
});

/** Go's database as files: https://go.dev/doc/security/vuln/database#api */
function writeVulndb(folder: string): void {
  const { id, modified, aliases, ...rest } = records["Go"]!;
  const files = {
    "index/db.json": { modified },
    "index/modules.json": [
      { path: "example.test/rope", vulns: [{ id, modified, fixed: "1.6.0" }] },
    ],
    "index/vulns.json": [{ id, modified, aliases }],
    [`ID/${id}.json`]: { id, modified, aliases, ...rest },
  };
  for (const name of ["index", "ID"]) mkdirSync(join(folder, name), { recursive: true });
  for (const [name, value] of Object.entries(files))
    writeFileSync(join(folder, name), JSON.stringify(value));
}

withPrograms(["govulncheck", "go"], () => {
  test("govulncheck: tells from feeds what it tells from a database of files, also while the upstream is away", async () => {
    const folder = tempFolder("audits-go");
    const source =
      'package main\n\nimport "example.test/rope"\n\nfunc main() { println(rope.Version) }\n';
    writeFileSync(join(folder, "main.go"), source);
    const needs = "require example.test/rope v1.5.2\n";
    writeFileSync(join(folder, "go.mod"), `module example.test/app\n\ngo 1.21\n\n${needs}`);
    const env = {
      GOPROXY: `${server.url}/go`,
      GOSUMDB: "off",
      GOTOOLCHAIN: "local",
      GOFLAGS: "-mod=mod -modcacherw",
      GOPATH: join(home, "go"),
      GOCACHE: join(home, "go-build"),
    };
    const audit = async (db: string) => {
      const words = ["-db", db, "-scan", "package", "-format", "json", "./..."];
      const command = [...commandOf("govulncheck"), ...words];
      const done = await runIn(folder, home, { command, env });
      // One JSON value after another; the first tells which database it was.
      const [, ...values] = done.stdout.split(/^(?=\{)/m).map((text) => JSON.parse(text));
      return { code: done.code, values };
    };
    const here = `${server.url}/go/-/vulndb`;
    const found = await audit(here);
    expect(found.values).toContainEqual({
      finding: expect.objectContaining({ osv: "GO-2026-7001", fixed_version: "v1.6.0" }),
    });
    const database = tempFolder("audits-vulndb");
    writeVulndb(database);
    expect(await audit(pathToFileURL(database).href)).toEqual(found);
    await offline(async () => expect(await audit(here)).toEqual(found));
  }, 240_000);
});

withPrograms(["composer"], () => {
  test("composer: its audit tells from feeds what it tells from the repository itself, also while that is away", async () => {
    const audit = async (url: string) => {
      const project = new ComposerProject([url], { "reef/coral": "1.0.0" });
      try {
        await project.must("update", "--no-audit");
        const ask = async () => {
          const { code, stdout } = await project.run("audit", "--format=json");
          return { code, advisories: fieldsOf(JSON.parse(stdout).advisories) };
        };
        const found = await ask();
        if (url.startsWith(server.url))
          await offline(async () => expect(await ask()).toEqual(found));
        return found;
      } finally {
        project.remove();
      }
    };
    const found = await audit(`${server.url}/composer`);
    upstream.composer.advise("reef/coral", "<9.0.0");
    expect(await audit(upstream.composerUrls.root)).toEqual(found);
    expect(found.code).toBe(1);
  }, 240_000);
});

/** What both tell of each: names, titles and CVE are the database's own. */
function fieldsOf(advisories: Record<string, Record<string, unknown>[]>) {
  return Object.entries(advisories).map(([name, list]) => [
    name,
    list.map(({ packageName, affectedVersions, link }) => ({
      packageName,
      affectedVersions,
      link,
    })),
  ]);
}
