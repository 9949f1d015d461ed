// What rules cost a warm request: the server before there were any, this one without rules, and with rules and a feed, side by side.
// `bun bench/policy.ts FOLDER [ROUNDS]`: the folder is a work tree of the commit before, with its packages.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startUpstream } from "../test/support/fake-upstream/index.ts";
import { cpuSeconds } from "./lib/proc.ts";
import { median } from "./lib/stats.ts";
import { load } from "./lib/wrk.ts";

const [before, rounds = "15"] = process.argv.slice(2);
if (!before) throw new Error("which work tree is the one before?");
const SECONDS = 1;

const RULES = `feeds:
  - { name: gap, directory: FEED }
policy:
  - { name: malware, packages: ["pkg:npm/*", "pkg:pypi/*", "pkg:golang/*"], advisories: { malicious: block } }
  - { name: incident, packages: ["pkg:npm/clownfish"], versions: "9.9.9", block: "bad" }
  - { name: trust, packages: ["pkg:npm/*", "pkg:pypi/*"], provenance: 30d }
  - { name: cooldown, packages: ["pkg:npm/*", "pkg:pypi/*", "pkg:golang/*"], minimumAge: 3d }
`;
/** With a query no request repeats: each goes the whole way. */
const ASKED = [
  ["npm document", "/npm/tide"],
  ["npm document, not repeated", "/npm/tide?again"],
  ["npm tarball", "/npm/tide/-/tide-1.1.0.tgz"],
  ["npm tarball, not repeated", "/npm/tide/-/tide-1.1.0.tgz?again"],
  ["PyPI page", "/pypi/simple/estuary/"],
  ["PyPI page, not repeated", "/pypi/simple/estuary/?again"],
  ["Go list", "/go/example.test/anchor/@v/list"],
  ["Go list, not repeated", "/go/example.test/anchor/@v/list?again"],
] as const;

const made = mkdtempSync(join(tmpdir(), "holdfast-policy-"));
const upstream = await startUpstream();
const feed = join(made, "feed");
await Bun.write(
  join(feed, "MAL-2026-1.json"),
  JSON.stringify({
    id: "MAL-2026-1",
    modified: "2026-01-01T00:00:00Z",
    affected: [{ package: { ecosystem: "npm", name: "tide" }, versions: ["9.9.9"] }],
  }),
);

interface Server {
  name: string;
  url: string;
  child: Bun.Subprocess;
}

async function start(name: string, at: string, rules: string): Promise<Server> {
  const home = join(made, name.replaceAll(" ", "-"));
  const log = join(made, `${name.replaceAll(" ", "-")}.log`);
  const text = `listen: 127.0.0.1:0
repositories:
  npm: { format: npm, upstreams: [{ url: "${upstream.urls.npm}" }], freshness: 1d }
  pypi: { format: pypi, upstreams: [{ url: "${upstream.urls.pypi}" }], freshness: 1d }
  go: { format: go, upstreams: [{ url: "${upstream.urls.go}" }], freshness: 1d }
${rules}`;
  writeFileSync(`${home}.yaml`, text);
  const main = join(at, "src", "main.ts");
  const child = Bun.spawn(
    [process.execPath, main, "serve", "--config", `${home}.yaml`, "--data", home],
    { stdout: Bun.file(log), stderr: Bun.file(log), cwd: at },
  );
  for (let tries = 0; tries < 300; tries += 1) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(readFileSync(log, "utf8"))?.[0];
    if (url) return { name, url, child };
    await Bun.sleep(100);
  }
  throw new Error(readFileSync(log, "utf8"));
}

const servers = [
  await start("before", before, ""),
  await start("no rules", process.cwd(), ""),
  await start("rules", process.cwd(), RULES.replace("FEED", feed)),
];
try {
  for (const { url } of servers)
    for (const [, path] of ASKED) {
      const answer = await fetch(url + path);
      await answer.bytes();
      if (answer.status !== 200) throw new Error(`${url}${path}: ${answer.status}`);
    }
  await Bun.sleep(3_000); // what is found out behind
  for (const [what, path] of ASKED) {
    const spent = servers.map((): number[] => []);
    for (let round = 0; round <= Number(rounds); round += 1)
      for (const [at, { url, child }] of servers.entries()) {
        const from = cpuSeconds(child.pid);
        const { requestsPerSecond: rate } = await load(
          url + path,
          { "accept-encoding": "gzip" },
          { seconds: SECONDS },
        );
        if (round > 0) spent[at]!.push(((cpuSeconds(child.pid) - from) / (rate * SECONDS)) * 1e6);
      }
    const all = spent.map((some) => median(some) ?? Number.NaN);
    // Round by round, since what else the machine does changes from one to the next.
    const ratios = [1, 2].map(
      (at) => median(spent[at]!.map((one, nth) => one / spent[0]![nth]!)) ?? Number.NaN,
    );
    const microseconds = all.map((one) => one.toFixed(1)).join(" | ");
    console.log(
      `| ${what} | ${microseconds} | ${ratios.map((one) => one.toFixed(2)).join(" | ")} |`,
    );
  }
} finally {
  for (const { child } of servers) {
    child.kill();
    await child.exited;
  }
  await upstream.stop();
  rmSync(made, { recursive: true });
}
