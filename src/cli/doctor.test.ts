import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { loadConfig } from "../config/load.ts";
import { createLog } from "../core/log.ts";
import type { Probe, ProbeAnswer } from "../core/probe.ts";
import { formats as realFormats } from "../formats/index.ts";
import { start } from "../server/start.ts";
import { layoutOf } from "../store/layout.ts";
import { lockData } from "../store/lock.ts";
import { checkData, checkPort, findRunning, type ProbeResult, probeUpstreams } from "./checks.ts";
import { type DoctorDeps, doctorCommand } from "./doctor.ts";
import { runCli } from "./index.ts";
import { fakeTerminal } from "./testing.ts";

const formats = ["npm", "pypi", "go"].map((name) => ({
  name,
  options: z.strictObject({ sumdb: z.unknown().optional() }),
}));
const folder = mkdtempSync(join(tmpdir(), "holdfast-doctor-"));
afterAll(() => rmSync(folder, { recursive: true }));

const probe = (host: string, more: Partial<ProbeResult> = {}): ProbeResult => ({
  host,
  proxy: null,
  failure: null,
  status: 200,
  ms: 42,
  clockOffsetMs: 400,
  odd: null,
  ...more,
});

async function doctor(
  probes: Record<string, ProbeResult[]>,
  deps: Partial<DoctorDeps> = {},
  argv: string[] = [],
) {
  const terminal = fakeTerminal();
  const command = doctorCommand({
    formats,
    probe: async ({ name }) => probes[name] ?? [probe(`${name}.example.test`)],
    port: async ({ port }) => ({ state: "good", text: `127.0.0.1:${port} is free` }),
    data: async () => ({ state: "good", text: "/data is writable, 50 GiB free (20 %)" }),
    ...deps,
  });
  const code = await runCli(["doctor", ...argv], [command], terminal);
  return { code, out: terminal.printed.out };
}

test("a healthy machine", async () => {
  expect(await doctor({})).toEqual({
    code: 0,
    out: `✓ port   127.0.0.1:4653 is free
✓ data   /data is writable, 50 GiB free (20 %)
✓ clock  agrees with pypi.example.test
✓ users  whoever is on this machine may read everything, without a name (access.anonymous is not set)
✓ npm    npm.example.test answers in 42 ms, directly
✓ pypi   pypi.example.test answers in 42 ms, directly
✓ go     go.example.test answers in 42 ms, directly

Everything is in order
`,
  });
});

test("programs are told the same as JSON, with the same exit codes", async () => {
  const dead = { failure: "refused the connection", status: null, clockOffsetMs: null };
  const told = async (npm: ProbeResult[]) => {
    const { code, out } = await doctor({ npm }, {}, ["--json"]);
    return { code, ...JSON.parse(out) };
  };
  const fine = await told([probe("npm.example.test")]);
  expect(Object.keys(fine)).toEqual([
    "code",
    "version",
    "at",
    "state",
    "bad",
    "warnings",
    "findings",
  ]);
  expect(fine).toMatchObject({ code: 0, state: "good", bad: 0, warnings: 0 });
  expect(fine.at).toBe("2026-11-23T12:00:00.000Z");
  expect(fine.findings).toContainEqual({
    subject: "port",
    state: "good",
    text: "127.0.0.1:4653 is free",
    hint: null,
  });
  expect(await told([probe("npm.example.test", { status: 403 })])).toMatchObject({
    code: 0,
    state: "warning",
    warnings: 1,
  });
  const broken = await told([probe("npm.example.test", dead)]);
  expect(broken).toMatchObject({ code: 1, state: "bad", bad: 1 });
  const { hint } = broken.findings.find(({ state }: { state: string }) => state === "bad");
  expect(hint).toContain("Is there a way out");
});

test("what is broken and what is odd, each with a way to mend it", async () => {
  const dead = { failure: "refused the connection", status: null, clockOffsetMs: null };
  const { code, out } = await doctor({
    npm: [probe("one.example.test", dead), probe("two.example.test", { clockOffsetMs: 90_000 })],
    pypi: [probe("pypi.example.test", { status: 403, clockOffsetMs: 90_000 })],
    go: [probe("go.example.test", { ...dead, proxy: "exit.example.test:3128" })],
  });
  expect(code).toBe(1);
  expect(out).toBe(`✓ port   127.0.0.1:4653 is free
✓ data   /data is writable, 50 GiB free (20 %)
! clock  90 s ahead of pypi.example.test
         Set the clock by NTP: signatures, publish dates and pins carry times
✓ users  whoever is on this machine may read everything, without a name (access.anonymous is not set)
! npm    one.example.test directly: refused the connection
         Is there a way out, or is a proxy needed (proxy: in the configuration)? What is stored is served all the same
✓ npm    two.example.test answers in 42 ms, directly
! pypi   pypi.example.test answers 403 in 42 ms, directly
         It may want credentials: username and passwordFile, or tokenFile
✗ go     go.example.test through exit.example.test:3128: refused the connection
         Is the proxy up, and may it go there? What is stored is served all the same

1 thing is broken, 3 warnings
`);
});

test("what answers as no repository of its format does is told", async () => {
  const page = { path: "simple/", answer: "200 with text/html" };
  const { code, out } = await doctor({
    npm: [probe("npm.example.test", { status: 404, odd: { path: "-/ping", answer: "404" } })],
    pypi: [probe("pypi.example.test", { odd: page })],
    go: [probe("go.example.test", { odd: page }), probe("two.example.test")],
  });
  expect(code).toBe(1);
  const hint =
    "Is url: the whole address of the repository, with its path? What is stored is served all the same";
  const said = (text: string) => `${text}\n         ${hint}\n`;
  expect(out.replaceAll(/ at https:[^\n]+/g, "")).toContain(
    said("! npm    npm.example.test answers, but not as npm repositories do: 404") +
      said(
        "✗ pypi   pypi.example.test answers, but not as pypi repositories do: 200 with text/html",
      ) +
      said("! go     go.example.test answers, but not as go repositories do: 200 with text/html"),
  );
});

test("offline asks no one", async () => {
  const asked: string[] = [];
  const { code, out } = await doctor(
    {},
    {
      probe: async ({ name }) => {
        asked.push(name);
        return [];
      },
    },
    ["--offline"],
  );
  expect([code, asked]).toEqual([0, []]);
  expect(out).toContain("· npm    offline: no upstream is asked\n");
  expect(out).toContain("· clock  nothing answered that it could be compared with\n");
});

test("what a format keeps warning of is told, and breaks nothing", async () => {
  const warnings = (options: unknown) => {
    const { sumdb } = options as { sumdb?: unknown };
    return sumdb === false ? ["is not verified: it has no database"] : [];
  };
  const file = join(folder, "warned.yaml");
  writeFileSync(file, "repositories: { go: { sumdb: false } }\n");
  const warned = { formats: formats.map((format) => ({ ...format, warnings })) };
  const { code, out } = await doctor({}, warned, ["--config", file]);
  expect(code).toBe(0);
  expect(out).toEndWith(`✓ go     go.example.test answers in 42 ms, directly
! go     is not verified: it has no database

1 warning
`);
});

test("additional ports are looked at too", async () => {
  const file = join(folder, "ports.yaml");
  writeFileSync(file, "repositories: { npm: { listen: '127.0.0.1:4873' } }\n");
  const { out } = await doctor({}, {}, ["--config", file]);
  expect(out).toContain("✓ port   127.0.0.1:4873 is free, for npm\n");
});

test("a port is free, or another Holdfast's, or somebody else's", async () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) =>
      new Response(null, { status: new URL(url).pathname === "/-/health/live" ? 200 : 404 }),
  });
  const address = { host: "127.0.0.1", port: server.port! };
  const name = `127.0.0.1:${server.port}`;
  expect(await checkPort(address, null)).toMatchObject({
    state: "warning",
    text: `${name} is taken by a Holdfast with another data directory`,
  });
  server.reload({ fetch: () => new Response(null, { status: 404 }) });
  expect(await checkPort(address, null)).toMatchObject({
    state: "bad",
    text: `${name} is taken by something else`,
  });
  await server.stop(true);
  expect(await checkPort(address, null)).toEqual({ state: "good", text: `${name} is free` });
});

test("the ports of the server that runs on the data directory are its own, the additional ones too", async () => {
  const data = join(folder, "running");
  const port = await freePort();
  const file = join(folder, "running.yaml");
  const text = `
data: running
listen: 127.0.0.1:0
repositories: { npm: { offline: true, listen: '127.0.0.1:${port}' } }
`;
  writeFileSync(file, text);
  const own = { config: loadConfig({ file, formats: realFormats, flags: {}, env: {} }) };
  const server = await start({ ...own, log: createLog("json", () => {}) });
  const address = { host: "127.0.0.1", port };
  const running = findRunning(data);
  expect(await checkPort(address, running)).toEqual({
    state: "good",
    text: `127.0.0.1:${port} is where this server listens already (process ${process.pid})`,
  });
  // As a changed configuration may want it.
  expect((await checkPort({ host: "0.0.0.0", port }, running)).state).toBe("good");
  expect(() => lockData(layoutOf(data).lock)).toThrow(
    `Another Holdfast is running on the data directory ${data}: process ${process.pid}, since 20`,
  );
  await server.stop(0);
  expect(findRunning(data)).toBe(null);
  expect((await checkPort(address, null)).state).toBe("good");
});

test("a note that a killed server left misleads no one", () => {
  const data = join(folder, "killed");
  mkdirSync(data);
  const child = Bun.spawnSync([process.execPath, "-e", ""]);
  for (const pid of [child.pid, -1, "x"]) {
    const note = { pid, host: hostname(), since: "", listens: [{ host: "::", port: 1 }] };
    writeFileSync(join(data, "lock.json"), JSON.stringify(note));
    expect(findRunning(data)).toBe(null);
  }
});

test("an address of another machine is told", async () => {
  expect(await checkPort({ host: "192.0.2.1", port: 4653 }, null)).toMatchObject({
    state: "bad",
    text: "192.0.2.1:4653 is no address of this machine",
  });
});

test("the data directory is looked at without leaving a trace", async () => {
  const data = join(folder, "data");
  expect((await checkData(data)).text).toStartWith(`${data} will be made, `);
  mkdirSync(data);
  expect((await checkData(data)).text).toStartWith(`${data} is writable, `);
  expect(readdirSync(data)).toEqual([]);
});

test("a file in the place of the data directory is told", async () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  for (const path of [file, join(file, "below")])
    expect(await checkData(path)).toMatchObject({ state: "bad", text: `${path} is not a folder` });
});

test("an upstream is asked by the client that the server uses", async () => {
  const seen: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const accept = request.headers.get("accept");
      seen.push(
        [new URL(request.url).pathname, request.headers.get("authorization")]
          .concat(accept === "*/*" ? [] : [accept])
          .join(" "),
      );
      return new Response("hello", {
        status: 401,
        headers: { date: "Mon, 23 Nov 2026 11:58:20 GMT" },
      });
    },
  });
  const port = server.port!;
  const base = { hosts: [], retryMs: 0, minRate: 0, timeoutMs: 5000 };
  const repository = {
    name: "npm",
    format: "npm",
    claims: [],
    freshnessMs: 0,
    quota: null,
    offline: false,
    listen: null,
    bases: [],
    policy: [],
    sources: [],
    hookSecret: null,
    hosted: { trashMs: 0, replace: false, quota: null, quotaPerUser: null, fileLimit: 1 },
    options: {},
    written: {},
    upstreams: [
      { ...base, url: `http://127.0.0.1:${port}/base/`, token: "t" },
      // Nothing listens on the port of a server that has stopped.
      { ...base, url: `http://127.0.0.1:${await freePort()}/` },
    ],
  };
  const question = (path: string) => ({
    path,
    accept: "text/x",
    recognises: ({ start }: ProbeAnswer) => start === "hello",
  });
  const ask = (probe: Probe | null) => probeUpstreams(repository, probe, fakeTerminal().now);
  const [alive, dead] = await ask(null);
  const [right] = await ask(question("a/b"));
  const [wrong] = await ask({ ...question("a/b"), recognises: () => false });
  await server.stop(true);
  expect(seen).toEqual([
    "/base/ Bearer t",
    "/base/a/b Bearer t text/x",
    "/base/a/b Bearer t text/x",
  ]);
  expect(right!.odd).toBe(null);
  expect(wrong!.odd).toEqual({ path: "a/b", answer: "401 with text/plain" });
  expect(alive).toEqual({
    host: `127.0.0.1:${port}`,
    proxy: null,
    failure: null,
    status: 401,
    ms: 0,
    clockOffsetMs: 99_500,
    odd: null,
  });
  expect(dead).toMatchObject({ status: null, clockOffsetMs: null });
  expect(dead!.failure).toBeString();
});

async function freePort(): Promise<number> {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const port = server.port!;
  await server.stop(true);
  return port;
}
