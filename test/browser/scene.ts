// A server with something on each of its pages: what the browser tests look at, and the pictures of the README show. No name in it is anybody's.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeAccounts } from "../support/accounts.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

export interface Scene {
  readonly server: TestServer;
  readonly upstream: FakeUpstream;
  /** May do everything. */
  readonly user: { name: string; password: string };
  /** Of the same. */
  readonly token: string;
  /** Pages that have an identity in their address, by the path without it. */
  readonly links: Readonly<Record<string, string>>;
  /** A link by which somebody sets a password. */
  readonly invitation: string;
  stop(): Promise<void>;
}

const DAY = 86_400_000;

const README = `# tideline

Draws the line between what the sea has and what the land has, **once a second**, for charts and for people.

[![build](https://ci.example.test/tideline.svg)](https://ci.example.test/tideline)

## Use

\`\`\`js
import { tideline } from "tideline";

tideline({ station: "north", every: "1s" }).on("turn", ({ height }) => console.log(height));
\`\`\`

| option | what it does | default |
|--------|--------------|---------|
| \`station\` | where the gauge stands | \`"north"\` |
| \`every\` | how often it is read | \`"1s"\` |

- [x] works without a network
- [ ] knows the moon

<script>alert("readme")</script><img src="https://tracker.example.test/x.png" alt="a gauge" onerror="alert(1)">
<a href="javascript:alert(1)">not a link</a> and [a link within](#use).
`;

/** `publicUrl`: what pages show as the server's address; its own without it. */
export async function openScene(publicUrl?: string): Promise<Scene> {
  const upstream = await startUpstream();
  seed(upstream);
  const feed = join(tempFolder("scene"), "feed");
  mkdirSync(feed, { recursive: true });
  for (const record of advisories)
    writeFileSync(join(feed, `${record.id}.json`), JSON.stringify(record));
  const server = await startServer(upstream, {
    server: {
      ...(publicUrl && { publicUrl }),
      policy: [
        { name: "cooldown", packages: ["pkg:npm/*", "pkg:pypi/*"], minimumAge: "7d" },
        { name: "known-malware", packages: ["pkg:npm/*"], advisories: { malicious: "block" } },
      ],
      feeds: [{ name: "osv", directory: feed }],
      // Nobody listens there.
      hooks: [{ name: "chat", url: "http://127.0.0.1:9/", events: ["publish"] }],
    },
    claims: { npm: ["@harbour/*"] },
    access: { anonymous: "read", teams: { harbour: ["ben"] } },
  });
  await server.operate("feeds refresh", "");
  const backup = { to: "s3://backups/holdfast" };
  await server.operate("backup ended", "", { ...backup, missing: "2" });
  await server.operate("backup ended", "", { ...backup, why: "The bucket cannot be reached" });
  const user = { name: "ann", password: "a long pass phrase" };
  const [token] = await makeAccounts(server, [
    { user: user.name, actions: ["admin"], password: user.password },
    { user: "ben", actions: ["publish"], repository: "npm", package: "@harbour/*" },
  ]);
  await server.restart();
  await fill(server, token!);
  await waitFor(
    () => isToldWhoNeeds(server, "kelp"),
    () => "nobody wrote down who needs kelp",
    60_000,
  );
  const links = await linksOf(server, token!);
  const [invitation] = await server.account("user invite", {
    name: "ben",
    days: 1,
    root: server.url,
  });
  return {
    server,
    upstream,
    user,
    links,
    invitation: invitation!,
    token: token!,
    async stop() {
      await server.stop();
      await upstream.stop();
    },
  };
}

function seed({ npm }: FakeUpstream): void {
  const at = (days: number) => new Date(Date.now() - days * DAY);
  const tideline = (version: string, days: number, more: object = {}, files: object = {}) =>
    npm.publish({
      name: "tideline",
      version,
      time: at(days),
      dependencies: { kelp: "^2.0.0" },
      more: {
        description: "Draws the line between sea and land, once a second",
        homepage: "https://tideline.example.test/",
        ...more,
      },
      files: {
        "README.md": README,
        "lib/gauge.js": `export const version = "${version}";\n`,
        ...files,
      },
    });
  tideline("1.0.0", 400);
  tideline("1.1.0", 210, {}, { "lib/chart.js": "export const chart = () => {};\n" });
  tideline("1.2.0", 60, { scripts: { postinstall: "node lib/gauge.js" } });
  tideline("1.3.0", 2);
  npm.publish({ name: "tidelime", version: "0.0.1", time: at(90) });
}

const advisories = [
  {
    id: "GHSA-tide-0001",
    modified: "2026-01-01T00:00:00Z",
    summary: "A gauge that is read backwards never ends",
    affected: [
      {
        package: { ecosystem: "npm", name: "tideline" },
        ranges: [{ type: "SEMVER", events: [{ introduced: "0" }, { fixed: "1.1.0" }] }],
      },
    ],
    database_specific: { severity: "HIGH" },
    references: [{ type: "WEB", url: "https://advisories.example.test/GHSA-tide-0001" }],
  },
  {
    id: "MAL-2026-0001",
    modified: "2026-01-02T00:00:00Z",
    summary: "tidelime sends tokens to who wrote it",
    affected: [{ package: { ecosystem: "npm", name: "tidelime" }, versions: ["0.0.1"] }],
  },
];

const FETCHED = [
  "/npm/tideline",
  "/npm/tideline/-/tideline-1.0.0.tgz",
  "/npm/tideline/-/tideline-1.1.0.tgz",
  "/npm/tideline/-/tideline-1.2.0.tgz",
  "/npm/tidelime",
  "/npm/kelp",
  "/npm/kelp/-/kelp-2.0.0.tgz",
  "/npm/kelp/-/kelp-2.0.0.tgz",
  "/pypi/simple/estuary/",
  "/pypi/files/estuary/estuary-1.0.1-py3-none-any.whl",
  "/pypi/files/estuary/estuary-1.1.0-py3-none-any.whl",
  "/go/example.test/anchor/@v/list",
  "/go/example.test/anchor/@v/v1.1.0.info",
  "/go/example.test/anchor/@v/v1.1.0.mod",
  "/go/example.test/anchor/@v/v1.1.0.zip",
  "/composer/packages.json",
  "/composer/p2/isle/palm~dev.json",
  "/composer/dists/isle/palm/dev-main/60abf2e7511bb5d10f132b33de060874e70d929a.zip",
  "/debian/dists/stable/InRelease",
  "/debian/dists/stable/main/binary-amd64/Packages.xz",
  "/debian/pool/main/h/hello/hello_2.10-3_amd64.deb",
];

/** Written down behind what was fetched. */
async function isToldWhoNeeds(server: TestServer, name: string): Promise<boolean> {
  const answer = await fetch(`${server.url}/-/api/v1/catalog/npm/${name}/dependants`);
  return answer.ok && ((await answer.json()) as { total: number }).total > 1;
}

async function fill(server: TestServer, token: string): Promise<void> {
  for (const path of FETCHED) await (await fetch(`${server.url}${path}`)).arrayBuffer();
  for (const version of ["0.9.0", "1.0.0", "1.1.0"]) {
    const { body } = npmPublication("@harbour/buoy", version, version, {
      peerDependencies: { kelp: ">=1 <3" },
    });
    await fetch(`${server.url}/npm/@harbour%2fbuoy`, {
      method: "PUT",
      body,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    });
  }
}

/** Without what stands there for an identity. */
export const sceneLinks = [
  "/-/operator/withheld/back",
  "/-/operator/operations/one",
  "/-/operator/events/one",
  "/-/login/approval",
] as const;

/** Makes what those pages are about: a waiver, long work, a release that was removed, and somebody who logs in by a client. */
async function linksOf(
  { url }: TestServer,
  token: string,
): Promise<Record<(typeof sceneLinks)[number], string>> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const ask = async (method: string, path: string, body?: unknown) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, { method, headers, ...sent });
    if (!response.ok) throw new Error(`${path} was answered with ${await response.text()}`);
    // biome-ignore lint/suspicious/noExplicitAny: an answer as its endpoint has it
    return (await response.json()) as any;
  };
  const api = "/-/api/v1";
  await ask("DELETE", `${api}/repositories/npm/packages/@harbour%2fbuoy/releases/0.9.0`);
  const waiver = await ask("POST", `${api}/waivers`, {
    purl: "pkg:npm/kelp@1.0.0",
    repository: "npm",
    reason: "looked at, and needed for the old build",
    until: "30d",
  });
  const values = { "dry-run": "true" };
  const run = await ask("POST", `${api}/operations`, { name: "disk clean", values });
  const { items } = await ask("GET", `${api}/events?limit=1`);
  const { loginUrl } = await ask("POST", "/npm/-/v1/login", { hostname: "a-laptop" });
  return {
    "/-/operator/withheld/back": `/-/operator/withheld/back?kind=waiver&id=${waiver.id}`,
    "/-/operator/operations/one": `/-/operator/operations/${run.id}`,
    "/-/operator/events/one": `/-/operator/events/${items[0].id}`,
    "/-/login/approval": new URL(loginUrl).pathname,
  };
}
