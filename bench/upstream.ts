// The recorded upstream, a process of its own: answers as the real registries do, on one port of 127.0.0.1 for each format.
// Started by run.ts: bun bench/upstream.ts FOLDER NPM_PORT PYPI_PORT GO_PORT APT_PORT COMPOSER_PORT CONTROL_PORT [--record]
// apt and Composer are not recorded but made up (upstream/apt-tree.ts, upstream/composer-tree.ts).
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HOST } from "./upstream/composer-tree.ts";
import { documentCache, originsOf } from "./upstream/documents.ts";
import { openRecording, type Recorded } from "./upstream/recording.ts";
import { registries } from "./upstream/registries.ts";
import { resolve, type Wanted } from "./upstream/resolve.ts";
import { makeSynthetic } from "./upstream/synthetic.ts";
import { serveTree } from "./upstream/tree.ts";

const [folder = "", ...rest] = process.argv.slice(2);
const [npmPort, pypiPort, goPort, aptPort, composerPort, controlPort] = rest.map(Number);
const recordMissing = rest.includes("--record");
const recording = openRecording(folder);
const real = registries();
const LAST_MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT";

/** Requests by path, paths that were not recorded, and bytes per second for each connection (0: as fast as it goes). */
const state = {
  counts: {} as Record<string, number>,
  missing: {} as Record<string, number>,
  rate: 0,
};

function countUp(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

const originFile = join(folder, "files-origin");
let filesOrigin = existsSync(originFile) ? readFileSync(originFile, "utf8") : "";

/** Asks the real registry, once for each key however many ask. */
const inFlight = new Map<string, Promise<Recorded | null>>();
function record(wanted: Wanted): Promise<Recorded | null> {
  const running = inFlight.get(wanted.key) ?? fetchAndKeep(wanted);
  inFlight.set(wanted.key, running);
  void running.finally(() => inFlight.delete(wanted.key));
  return running;
}

async function fetchAndKeep(wanted: Wanted): Promise<Recorded | null> {
  if (!wanted.url) return null;
  const headers = wanted.accept ? { accept: wanted.accept } : {};
  const answer = await fetch(wanted.url, { headers });
  if (answer.status >= 500 || answer.status === 429) return null;
  const body = new Uint8Array(await answer.arrayBuffer());
  if (wanted.key.startsWith("pypi json") && !filesOrigin) {
    filesOrigin = originsOf(Buffer.from(body).toString())[0] ?? "";
    writeFileSync(originFile, filesOrigin);
  }
  const type = answer.headers.get("content-type") ?? "application/octet-stream";
  return recording.put(wanted.key, answer.status, type, body);
}

/** The bytes at so many per second, in steps of a fiftieth of a second. */
function paced(path: string, rate: number): ReadableStream<Uint8Array> {
  const file = Bun.file(path);
  const began = performance.now();
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      const due = (sent / rate) * 1000 - (performance.now() - began);
      if (due > 0) await Bun.sleep(due);
      const end = Math.min(file.size, sent + Math.ceil(rate / 50));
      if (sent < end) controller.enqueue(await file.slice(sent, end).bytes());
      sent = end;
      if (sent >= file.size) controller.close();
    },
  });
}

/** A file over a megabyte while the line is slow; else null. */
function slowly(path: string, size: number): ReadableStream<Uint8Array> | null {
  return state.rate > 0 && size > 1e6 ? paced(path, state.rate) : null;
}

function sendFile(recorded: Recorded, request: Request): Response {
  const etag = `"${recorded.file.slice(-32)}"`;
  const headers = { "content-type": recorded.type, etag, "last-modified": LAST_MODIFIED };
  if (request.headers.get("if-none-match") === etag)
    return new Response(null, { status: 304, headers });
  const path = recording.path(recorded);
  const head = request.method === "HEAD";
  const sized = { ...headers, "content-length": String(recorded.size) };
  if (head) return new Response(null, { status: recorded.status, headers: sized });
  const slow = slowly(path, recorded.size);
  if (slow) return new Response(slow, { status: recorded.status, headers: sized });
  if (recorded.status !== 200)
    return new Response(readFileSync(path), { status: recorded.status, headers });
  return new Response(Bun.file(path), { headers });
}

function sendDocument(
  recorded: Recorded,
  request: Request,
  documents: ReturnType<typeof documentCache>,
): Response {
  if (recorded.status !== 200) return sendFile(recorded, request);
  const abbreviated =
    recorded.key.startsWith("npm ") &&
    recorded.size < 50e6 &&
    (request.headers.get("accept") ?? "").includes("application/vnd.npm.install-v1+json");
  const served = documents(recorded, abbreviated);
  const headers: Record<string, string> = {
    "content-type": abbreviated ? "application/vnd.npm.install-v1+json" : recorded.type,
    etag: served.etag,
    "last-modified": LAST_MODIFIED,
    "cache-control": "public, max-age=300",
    vary: "accept, accept-encoding",
  };
  if (request.headers.get("if-none-match") === served.etag)
    return new Response(null, { status: 304, headers });
  if (!(request.headers.get("accept-encoding") ?? "").includes("gzip"))
    return new Response(served.plain(), { headers });
  headers["content-encoding"] = "gzip";
  return new Response(served.gzip, { headers });
}

function listen(format: "npm" | "pypi" | "go", port: number): void {
  const documents = documentCache(recording, `http://127.0.0.1:${port}`);
  Bun.serve({
    hostname: "127.0.0.1",
    port,
    idleTimeout: 120,
    async fetch(request) {
      const url = new URL(request.url);
      const path = url.pathname;
      countUp(state.counts, path);
      if (request.method !== "GET" && request.method !== "HEAD")
        return new Response(null, { status: 405 });
      // The list of all projects, which devpi asks for: only the recorded ones, so that nobody's list is copied.
      if (format === "pypi" && path === "/simple/") return projectList(request);
      // PEP 503: a project's page is redirected to its address with a slash.
      if (format === "pypi" && /^\/simple\/[^/]+$/.test(path))
        return Response.redirect(`${path}/`, 301);
      const accept = request.headers.get("accept") ?? "";
      const wanted = resolve(format, path, accept, real, filesOrigin);
      const known = wanted && recording.get(wanted.key);
      const recorded = known ?? (wanted && recordMissing ? await record(wanted) : null);
      if (!wanted || !recorded) {
        countUp(state.missing, `${format} ${path}`);
        return new Response("not recorded\n", { status: 404 });
      }
      return wanted.kind === "document"
        ? sendDocument(recorded, request, documents)
        : sendFile(recorded, request);
    },
  });
}

function projectList(request: Request): Response {
  const names = [...recording.all()]
    .filter((each) => each.key.startsWith("pypi json ") && each.status === 200)
    .map((each) => each.key.slice("pypi json ".length));
  if ((request.headers.get("accept") ?? "").includes("application/vnd.pypi.simple.v1+json"))
    return new Response(
      JSON.stringify({ meta: { "api-version": "1.1" }, projects: names.map((name) => ({ name })) }),
      { headers: { "content-type": "application/vnd.pypi.simple.v1+json" } },
    );
  const links = names.map((name) => `<a href="/simple/${name}/">${name}</a>`);
  return new Response(`<!DOCTYPE html><html><body>${links.join("\n")}</body></html>`, {
    headers: { "content-type": "text/html" },
  });
}

makeSynthetic(recording);
listen("npm", npmPort!);
listen("pypi", pypiPort!);
listen("go", goPort!);
for (const [format, port] of [
  ["apt", aptPort!],
  ["composer", composerPort!],
] as const)
  serveTree({
    port,
    folder: join(folder, format, "www"),
    ...(format === "composer" && { host: HOST }),
    asked: (path) => countUp(state.counts, path),
    missing: (path) => countUp(state.missing, `${format} ${path}`),
    slowly,
  });
Bun.serve({
  hostname: "127.0.0.1",
  port: controlPort!,
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === "/reset") state.counts = {};
    if (url.pathname === "/rate") state.rate = Number(url.searchParams.get("bytes"));
    return Response.json(state);
  },
});
