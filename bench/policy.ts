// What rules cost a warm request: the server before there were any, this one without rules, and with rules and a feed, in turns within one process.
// `bun bench/policy.ts FOLDER [ROUNDS]`: the folder is a work tree of the commit before, with its packages.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { configText } from "../test/support/config.ts";
import { startUpstream } from "../test/support/fake-upstream/index.ts";
import { percentile } from "./lib/stats.ts";

const [before, rounds = "4000"] = process.argv.slice(2);
if (!before) throw new Error("which work tree is the one before?");

const policy = [
  {
    name: "malware",
    packages: ["pkg:npm/*", "pkg:pypi/*", "pkg:golang/*"],
    advisories: { malicious: "block" },
  },
  { name: "incident", packages: ["pkg:npm/clownfish"], versions: "9.9.9", block: "bad" },
  { name: "trust", packages: ["pkg:npm/*", "pkg:pypi/*"], provenance: "30d" },
  {
    name: "cooldown",
    packages: ["pkg:npm/*", "pkg:pypi/*", "pkg:golang/*"],
    minimumAge: "3d",
  },
];
/** With a query no request repeats: each goes the whole way. */
const ASKED = [
  ["npm document", "/npm/tide"],
  ["npm tarball", "/npm/tide/-/tide-1.1.0.tgz"],
  ["PyPI page", "/pypi/simple/estuary/"],
  ["PyPI file", "/pypi/files/estuary/estuary-1.0.1-py3-none-any.whl"],
  ["Go list", "/go/example.test/anchor/@v/list"],
  ["Go zip", "/go/example.test/anchor/@v/v1.1.0.zip"],
] as const;

type Handler = (request: Request, server: unknown) => Response | Promise<Response>;
interface Server {
  url: string;
  handler: Handler;
  stop(): Promise<void>;
}

const made = mkdtempSync(join(tmpdir(), "holdfast-policy-"));
const upstream = await startUpstream();
const feed = join(made, "feed");
mkdirSync(feed);
// Something is told of two of the packages: otherwise nothing would have to be decided.
for (const [at, [ecosystem, name]] of [
  ["npm", "tide"],
  ["PyPI", "estuary"],
].entries())
  writeFileSync(
    join(feed, `MAL-2026-${at}.json`),
    JSON.stringify({
      id: `MAL-2026-${at}`,
      modified: "2026-01-01T00:00:00Z",
      affected: [{ package: { ecosystem, name }, versions: ["9.9.9"] }],
    }),
  );

async function open(name: string, tree: string, server: Record<string, unknown>): Promise<Server> {
  const file = join(made, `${name}.yaml`);
  writeFileSync(file, configText(upstream, { freshness: "1d", server }));
  const at = (path: string) => import(join(resolve(tree), "src", path));
  const { loadConfig } = await at("config/load.ts");
  const { createLog } = await at("core/log.ts");
  const { formats } = await at("formats/index.ts");
  const { start } = await at("server/start.ts");
  const config = loadConfig({ file, formats, flags: { data: join(made, name) }, env: {} });
  // The first that listens is the server itself.
  const serve = Bun.serve;
  const handlers: Handler[] = [];
  Bun.serve = ((options: { fetch: Handler }) => {
    handlers.push(options.fetch);
    return serve(options as never);
  }) as typeof Bun.serve;
  const running = await start({ config, log: createLog("json", () => {}), now: Date.now });
  Bun.serve = serve;
  const url = String(running.url).replace(/\/$/, "");
  return { url, handler: handlers[0]!, stop: () => running.stop() };
}

const peer = { requestIP: () => ({ address: "127.0.0.1", port: 1, family: "IPv4" }), timeout() {} };
const servers = [
  await open("before", before, {}),
  await open("plain", process.cwd(), {}),
  await open("ruled", process.cwd(), { policy, feeds: [{ name: "gap", directory: feed }] }),
];
try {
  for (const { url } of servers)
    for (const [, path] of ASKED) {
      const answer = await fetch(url + path);
      await answer.bytes();
      if (answer.status !== 200) throw new Error(`${url}${path}: ${answer.status}`);
    }
  await Bun.sleep(3_000); // what is found out behind, and the feed
  for (const [what, path] of ASKED)
    for (const [how, query] of [
      ["repeated", ""],
      ["not repeated", "?again"],
    ]) {
      const spent = servers.map((): number[] => []);
      for (let round = 0; round < Number(rounds); round += 1) {
        for (const [at, { url, handler }] of servers.entries()) {
          const request = new Request(url + path + query, {
            headers: { "accept-encoding": "gzip" },
          });
          const from = Bun.nanoseconds();
          const answer = handler(request, peer);
          if (answer instanceof Promise) await answer;
          const took = Bun.nanoseconds() - from;
          // The first half compiles.
          if (round > Number(rounds) / 2) spent[at]!.push(took / 1000);
        }
        if (round % 64 === 0) await new Promise((done) => setImmediate(done));
      }
      const each = spent.map((some) => percentile(some, 0.1) ?? Number.NaN);
      const cells = [...each, each[1]! - each[0]!, each[2]! - each[0]!].map((one) =>
        one.toFixed(1),
      );
      console.log(`| ${what}, ${how} | ${cells.join(" | ")} |`);
    }
} finally {
  for (const { stop } of servers) await stop();
  await upstream.stop();
  rmSync(made, { recursive: true });
}
process.exit();
