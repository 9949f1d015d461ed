// Runs *.wire scripts against the real server and a fake upstream, and again with the upstream away.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { archiveOf } from "../../src/formats/composer/testdata/archives.ts";
import { contentType } from "../../src/formats/pypi/testdata/distributions.ts";
import { startUpstream } from "./fake-upstream/index.ts";
import { tempFolder } from "./temp.ts";
import { verify } from "./wire-checks.ts";
import { gateOf, npmDocument, wireForm } from "./wire-publish.ts";
import { jsonAt, parseWire, type Step } from "./wire-script.ts";
import { change } from "./wire-upstream.ts";
import {
  digest,
  type Exchange,
  expand,
  jsonOf,
  lastOf,
  plainOf,
  serverOf,
  type World,
} from "./wire-world.ts";

export interface WireOptions {
  /** Afterwards, ask for everything again while the upstream is away. */
  replay?: boolean;
}

/** Throws with file, line, what was wanted and what came. */
export async function runWire(file: string, options: WireOptions = {}): Promise<void> {
  const steps = parseWire(readFileSync(file, "utf8"));
  const plainNpm = steps.some((step) => step.do === "config" && step.words[0] === "plain");
  const pristine = await startUpstream({ plainNpm });
  const upstream = await startUpstream({ plainNpm });
  const world: World = {
    upstream,
    pristine,
    // The script is about an upstream that takes its time.
    options: steps.some(({ text }) => /slow|silent/.test(text)) ? { patienceMs: 1000 } : {},
    may: new Map(),
    server: null,
    exchanges: [],
    variables: new Map(),
    feed: null,
  };
  try {
    for (const step of steps) {
      try {
        await perform(step, world);
      } catch (error) {
        throw new Error(
          `${file}:${step.line}: ${step.text}\n${indent(messageOf(error))}${told(world)}`,
        );
      }
    }
    if (options.replay) await replay(file, world);
  } finally {
    await world.server?.stop();
    await upstream.stop();
    await pristine.stop();
  }
}

async function perform(step: Step, world: World): Promise<void> {
  switch (step.do) {
    case "config": {
      configure(step.words, world);
      return;
    }
    case "upstream":
      return change(
        step.words.map((word) => expand(word, world)),
        world.upstream,
      );
    case "restart":
      return restart(step.words, world);
    case "lose":
      return lose(step.words, world);
    case "feed":
      return feed(step.words, world);
    case "clock":
      (await serverOf(world)).advance(step.milliseconds);
      return;
    case "set": {
      const last = lastOf(world);
      const value =
        step.from === "header" ? last.answer.get(step.path) : jsonAt(jsonOf(last), step.path);
      if (typeof value !== "string") throw new Error(`no text there, but ${JSON.stringify(value)}`);
      // A link may be relative to the page that it stands on.
      const at = (await serverOf(world)).url + last.path;
      world.variables.set(step.name, /^\.{0,2}\//.test(value) ? new URL(value, at).href : value);
      return;
    }
    case "request":
      world.exchanges.push(await exchange(step, world));
      return;
    case "check":
      return verify(step.check, world);
  }
}

function configure([key = "", ...words]: string[], world: World): void {
  if (world.server) throw new Error("the server runs already; say it before the first request");
  if (key === "claims")
    world.options.claims = { ...world.options.claims, [words[0]!]: words.slice(1) };
  else if (key === "may") {
    // config may NAME ACTION…: who says that they are NAME, and is believed. Others may read.
    const [name = "", ...actions] = words;
    world.may.set(name, actions);
    world.options.gate = gateOf(world.may);
  } else if (key === "freshness") world.options.freshness = words[0]!;
  else if (key === "timeout") world.options.timeout = words[0]!;
  else if (key === "rule") {
    // config rule {"name": …}: one of `policy:`, as JSON
    const rule = JSON.parse(words.join(" "));
    const { policy = [] } = (world.options.server ?? {}) as { policy?: unknown[] };
    world.options.server = { ...world.options.server, policy: [...policy, rule] };
  } else if (key === "feed") {
    world.feed = tempFolder("feed");
    const feeds = [{ name: "gap", directory: world.feed, every: "1h" }];
    world.options.server = { ...world.options.server, feeds };
  } else if (key === "apt") {
    // config apt REPOSITORY OPTION VALUE
    const [name = "", option = "", value = ""] = words;
    const before = world.options.apt?.[name];
    const its = /^(true|\d+)$/.test(value) ? JSON.parse(value) : value || undefined;
    world.options.apt = { ...world.options.apt, [name]: { ...before, [option]: its } };
  } else if (key !== "plain") throw new Error(`no such setting: ${key}`);
}

async function restart([how]: string[], world: World): Promise<void> {
  const server = await serverOf(world);
  if (how === "offline") await server.restart({ offline: true });
  else if (how === "online") await server.restart({ offline: false });
  else await server.restart();
}

/** Files of a package are gone from disk, as after damage: whoever asks makes the server fetch them again. */
async function lose([name = ""]: string[], world: World): Promise<void> {
  const server = await serverOf(world);
  const lost = server.files().filter((file) => file.package === name);
  if (lost.length === 0) throw new Error(`nothing of ${name} is stored`);
  for (const { sha256 } of lost)
    rmSync(join(server.data, "blobs/sha256", sha256.slice(0, 2), sha256.slice(2)));
  // What is in memory is not on disk alone.
  await server.restart();
}

/** feed ID ECOSYSTEM PACKAGE VERSION [KEY=VALUE…]: a record comes, in place of the one of its id, and the feed is read. */
async function feed(words: string[], world: World): Promise<void> {
  const server = await serverOf(world);
  const [id = "", ecosystem = "", name = "", version = "", ...more] = words;
  const record = {
    id,
    modified: new Date().toISOString(),
    summary: "It steals tokens",
    affected: [{ package: { ecosystem, name }, versions: [version] }],
    ...Object.fromEntries(more.map((one) => one.split("="))),
  };
  writeFileSync(join(world.feed!, `${id}.json`), JSON.stringify(record));
  const { isDone, lines } = await server.operate("feeds refresh", "");
  if (!isDone) throw new Error(lines.join("\n"));
}

type Request = Pick<Exchange, "method" | "path" | "headers" | "live"> & {
  body?: string;
  form?: [string, string][];
  npm?: string;
  zip?: string;
};

/** `{versions 1001}`: so many versions in JSON, without brackets. */
function withVersions(body: string): string {
  return body.replace(/\{versions (\d+)\}/g, (_, count) =>
    Array.from({ length: Number(count) }, (_, at) => `"1.${at}.0"`).join(),
  );
}

async function exchange(request: Request, world: World): Promise<Exchange> {
  const server = await serverOf(world);
  const path = expand(request.path, world).replace(server.url, "");
  const headers = new Headers({ "accept-encoding": "identity" });
  for (const [name, value] of request.headers) headers.set(name, expand(value, world));
  const sent = {
    method: request.method,
    headers,
    redirect: "manual",
    decompress: false,
    ...(request.body ? { body: withVersions(request.body) } : {}),
    ...(request.npm ? { body: npmDocument(request.npm) } : {}),
    ...(request.zip ? { body: new Uint8Array(archiveOf(request.zip)) } : {}),
    ...(request.form?.length ? { body: wireForm(request.form) } : {}),
  } as const;
  if (request.form?.length) headers.set("content-type", contentType);
  const response = await fetch(server.url + path, sent);
  const base = {
    path,
    headers: [...headers] as [string, string][],
    method: request.method,
    live: request.live,
  };
  const seen = { ...base, status: response.status, answer: response.headers };
  try {
    return { ...seen, bytes: await response.bytes(), cut: false };
  } catch {
    return { ...seen, bytes: new Uint8Array(), cut: true };
  }
}

/**
 * Everything that was answered with 200 is answered with the same bytes while the upstream refuses, for as long as it takes; and what
 * was answered with 404 is still not found.
 */
async function replay(file: string, world: World): Promise<void> {
  const server = await serverOf(world);
  const newest = new Map<string, Exchange>();
  for (const item of world.exchanges) {
    const key = JSON.stringify([item.path, item.headers]);
    if (item.method === "GET" && !item.live) newest.set(key, item);
  }
  await world.upstream.off();
  for (const round of [
    "upstream refuses",
    "30 days later, restarted",
    "restarted with offline: true",
  ]) {
    if (round !== "upstream refuses")
      await server.restart(round.includes("true") ? { offline: true } : {});
    if (round.startsWith("30")) server.advance(30 * 86_400_000);
    for (const before of newest.values()) {
      if (![200, 404].includes(before.status) || before.cut) continue;
      const after = await exchange({ ...before, path: before.path }, world);
      const [got, want] = [plainOf(after), plainOf(before)];
      const isSame = before.status === 404 || digest(got) === digest(want);
      if (after.status === before.status && isSame) continue;
      throw new Error(
        `${file}: GET ${before.path} (${round})\n  want: ${before.status}, ${want.length} bytes, as before\n  got:  ${after.status}, ${got.length} bytes: ${Buffer.from(got).toString("latin1").slice(0, 300)}`,
      );
    }
  }
}

/** What helps to understand a failure: the last answer. */
function told(world: World): string {
  const last = world.exchanges.at(-1);
  if (!last) return "";
  const body = Buffer.from(plainOf(last))
    .toString("latin1")
    .slice(0, 200)
    .replaceAll(/[^\x20-\x7e]+/g, " ");
  return `\n  after: ${last.method} ${last.path} ${last.status} [${last.answer.get("cache-status") ?? ""}] ${body}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
