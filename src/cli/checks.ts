// What doctor looks at: a port, a folder and its disk, an upstream. Nothing is changed by looking.
import { access, constants, rm, stat, statfs, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { knownAdvisories } from "../advisories/known.ts";
import { readGrants } from "../auth/directory.ts";
import { clash } from "../config/addresses.ts";
import { writtenDatabase } from "../config/database.ts";
import type { Config, RepositoryConfig } from "../config/resolve.ts";
import { type Address, formatAddress, socketPath } from "../config/values.ts";
import type { Granted } from "../core/access.ts";
import { createLog, printable } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import type { Probe } from "../core/probe.ts";
import { inFull, Problem } from "../core/problem.ts";
import type { UpstreamResponse } from "../core/upstream.ts";
import { readCatalog } from "../server/database.ts";
import { type Holder, isAlive, readHolder } from "../store/holder.ts";
import { layoutOf } from "../store/layout.ts";
import { createUpstream, createUpstreamMetrics } from "../upstream/upstreams.ts";
import { checkSocket } from "./check-socket.ts";
import type { Finding } from "./finding.ts";
import { readStore } from "./store.ts";
import { humanSize } from "./terminal.ts";

type Result = Omit<Finding, "subject">;

const LOW_SHARE = 0.05;
const LOW_BYTES = 2 ** 30;

/** The server that runs on a data directory; null when none does, or none that can be seen from here. */
export function findRunning(data: string): Holder | null {
  const holder = readHolder(layoutOf(data).lock);
  return holder && isAlive(holder) ? holder : null;
}

/** Free, or where the server that runs on this data directory listens, or taken by another Holdfast or by something else. */
export async function checkPort(address: Address, running: Holder | null): Promise<Result> {
  const name = formatAddress(address);
  const socket = socketPath(address.host);
  if (socket !== null) return checkSocket(socket, address, running);
  const code = await tryListen(address);
  if (code === null) return { state: "good", text: `${name} is free` };
  if (code !== "EADDRINUSE") {
    const words: Record<string, string> = {
      EACCES: "may not be used by this user",
      EADDRNOTAVAIL: "is no address of this machine",
      ENOTFOUND: "is no name that can be resolved",
    };
    const hint =
      code === "EACCES"
        ? "Take a port from 1024 on, or give the service the right to use this one"
        : "Set listen: to an address of this machine, or to 0.0.0.0 for all of them";
    return { state: "bad", text: `${name} ${words[code] ?? `cannot be used: ${code}`}`, hint };
  }
  if (running?.listens.some((taken) => clash(taken, address)))
    return {
      state: "good",
      text: `${name} is where this server listens already (process ${running.pid})`,
    };
  if (await holdfastAnswers(address))
    return {
      state: "warning",
      text: `${name} is taken by a Holdfast with another data directory`,
      hint: "Is it the one that is meant? Then give doctor the --config and --data of that server; else take another port",
    };
  return {
    state: "bad",
    text: `${name} is taken by something else`,
    hint: "Stop what listens there, or take another port: --listen HOST:PORT",
  };
}

/** Before a data directory is made for a server that then cannot serve. Throws what listening would throw. */
export async function requirePorts(config: Config): Promise<void> {
  const wanted = [config.listen, ...config.repositories.flatMap(({ listen }) => listen ?? [])];
  for (const listen of wanted.filter(({ port }) => port !== 0)) {
    const code = await tryListen(listen);
    if (code !== null) throw Object.assign(new Error(code), { code, listen });
  }
}

function tryListen({ host, port }: Address): Promise<string | null> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => done(null)));
  });
}

async function holdfastAnswers({ host, port }: Address): Promise<boolean> {
  const own = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  for (const scheme of ["http", "https"])
    try {
      const response = await fetch(
        `${scheme}://${formatAddress({ host: own, port })}/-/health/live`,
        {
          signal: AbortSignal.timeout(2000),
          redirect: "manual",
          // Nothing is told it, and its certificate need not be for this name.
          tls: { rejectUnauthorized: false },
        },
      );
      await response.body?.cancel();
      if (response.status === 200) return true;
    } catch {
      // Whatever it is, it does not answer as we do.
    }
  return false;
}

/** What stands in the catalog about who may do what. */
export interface StoredAccess {
  hasUsers: boolean;
  grants: readonly Granted[];
}

/** As far as it can be read. */
export async function checkAccess(config: Config): Promise<StoredAccess> {
  try {
    return await readStore(config, async ({ database }) => {
      const [user] = await database.read`SELECT name FROM users LIMIT 1`;
      return { hasUsers: user !== undefined, grants: await readGrants(database.read) };
    });
  } catch {
    return { hasUsers: false, grants: [] }; // nothing is stored yet, or not in a way of this version: other checks say so
  }
}

/** A feed that was not read for so long tells too little by now. */
const STALE_MS = 24 * 60 * 60 * 1000;

/** How old what feeds told is, as the catalog has it. */
export async function checkFeeds(config: Config, now: number): Promise<Finding[]> {
  if (config.feeds.length === 0) return [];
  const known = await readStore(config, ({ database }) =>
    knownAdvisories(database.read, []).feeds(),
  ).catch(() => []); // nothing is stored yet, or not in a way of this version: other checks say so
  const findings = known.map(({ name, readAt, records, error, seedOf }): Finding => {
    const subject = "feeds";
    if (seedOf !== null) {
      const text = `${name} is what came with this program, as of ${seedOf.slice(0, 10)}: ${records} records, until a feed tells of it`;
      return { state: "good", subject, text };
    }
    const age = readAt === null ? Number.POSITIVE_INFINITY : now - Date.parse(readAt);
    const read =
      readAt === null ? "was never read" : `was read ${readAt.slice(0, 16).replace("T", " ")}`;
    if (error === null && age < STALE_MS)
      return { state: "good", subject, text: `${name} ${read}, ${records} records` };
    return {
      state: "warning",
      subject,
      text: `${name} ${read}${error === null ? "" : `: ${error}`}`,
      hint: `Its ${records} records still count; what was found since is not known here. \`holdfast feeds refresh\` reads it again`,
    };
  });
  if (known.some(({ seedOf }) => seedOf === null)) return findings;
  return [
    ...findings,
    { state: "skipped", subject: "feeds", text: "none was read yet: the server reads them" },
  ];
}

/** Whether it answers, and is the one that the data directory belongs to. */
export async function checkDatabase(config: Config): Promise<Finding[]> {
  if (!config.database) return [];
  const subject = "database";
  const { url } = writtenDatabase(config.database);
  try {
    const database = await readCatalog(config, layoutOf(config.data));
    await database.close();
    return [{ state: "good", subject, text: `${url} answers` }];
  } catch (error) {
    if (error instanceof Problem && error.kind === "notFound")
      return [{ state: "good", subject, text: `${url} answers; its tables will be made` }];
    const text = `${url}: ${inFull(error)}`;
    return [{ state: "bad", subject, text, hint: "docs/scale.md tells what it must be" }];
  }
}

/** Writable, on a disk with room. A folder that is not there yet is judged by where it would be made. */
export async function checkData(folder: string): Promise<Result> {
  const place = await nearestFolder(folder);
  if (place === null)
    return { state: "bad", text: `${folder} is not a folder`, hint: "Set data: to a folder" };
  const exists = place === folder;
  const why = exists ? await tryWrite(folder) : await mayWrite(place);
  if (why)
    return {
      state: "bad",
      text: `${exists ? folder : `${folder} cannot be made: ${place}`} is not writable (${why})`,
      hint: "Give it to the user that Holdfast runs as, or choose another: --data DIR",
    };
  const { bsize, bavail, blocks } = await statfs(place);
  const [free, size] = [bavail * bsize, blocks * bsize];
  const share = size > 0 ? free / size : 1;
  const room = `${humanSize(free)} free (${Math.floor(share * 100)} %)`;
  const text = `${folder} ${exists ? "is writable" : "will be made"}, ${room}`;
  if (share >= LOW_SHARE && free >= LOW_BYTES) return { state: "good", text };
  return {
    state: "warning",
    text,
    hint: "Little room: new packages are refused when the disk is full, what is stored is served on",
  };
}

/** The folder, or else the one that is there on the way to it; null when a file is in the way. */
async function nearestFolder(folder: string): Promise<string | null> {
  for (let at = folder; ; at = dirname(at)) {
    const found = await stat(at).catch(() => null);
    if (found) return found.isDirectory() ? at : null;
    if (at === dirname(at)) return null;
  }
}

/** Null when a file can be written; permissions alone do not tell (read-only mounts, quotas). */
async function tryWrite(folder: string): Promise<string | null> {
  const file = join(folder, `.doctor-${process.pid}`);
  try {
    await writeFile(file, "x", { flag: "wx" });
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}

async function mayWrite(folder: string): Promise<string | null> {
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => null,
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
}

export type ProbedRepository = Pick<RepositoryConfig, "name" | "upstreams">;

/** What one upstream did when it was asked. */
export interface ProbeResult {
  host: string;
  /** Of the proxy on the way, without credentials. */
  proxy: string | null;
  /** Null when it answered. */
  failure: string | null;
  status: number | null;
  ms: number;
  /** How far our clock is ahead of its `Date`; null when it told none. */
  clockOffsetMs: number | null;
  /** Where it answered in a way that no repository of the format would, and what; null when all is well or nothing can be told. */
  odd: { path: string; answer: string } | null;
}

/** Enough to tell what it is; a package index may list half a million projects. */
const START_BYTES = 64 * 1024;

/** Asks each upstream by itself, once, all at the same time, as the server would. Without a question only whether they answer. */
export function probeUpstreams(
  repository: ProbedRepository,
  probe: Probe | null,
  now: () => number,
): Promise<ProbeResult[]> {
  const metrics = createUpstreamMetrics(createMetrics());
  const log = createLog("json", () => {});
  return Promise.all(
    repository.upstreams.map(async (settings): Promise<ProbeResult> => {
      const proxy = settings.proxy ? new URL(settings.proxy).host : null;
      const upstream = createUpstream([settings], {
        log,
        metrics,
        repository: repository.name,
        now: () => performance.now(),
      });
      const began = now();
      try {
        const response = await upstream.fetch({
          path: probe?.path ?? "",
          patienceMs: 0,
          headers: {
            "accept-encoding": "identity",
            ...(probe?.accept && { accept: probe.accept }),
          },
        });
        const ended = now();
        const odd = probe && (await oddity(response, probe));
        await response.discard();
        const date = Date.parse(response.headers.get("date") ?? "");
        return {
          host: response.upstream,
          proxy,
          failure: null,
          status: response.status,
          ms: ended - began,
          // The answer was dated somewhere between asking and reading, half a second into its second.
          clockOffsetMs: Number.isNaN(date) ? null : (began + ended) / 2 - (date + 500),
          odd,
        };
      } catch (error) {
        const { host } = new URL(settings.url);
        // Messages of src/upstream begin with the host, which stands in the line already.
        const failure = (error as Error).message.replace(`${host}: `, "").replace(`${host} `, "");
        return {
          host,
          proxy,
          failure,
          status: null,
          ms: now() - began,
          clockOffsetMs: null,
          odd: null,
        };
      } finally {
        upstream.close();
      }
    }),
  );
}

async function oddity(response: UpstreamResponse, probe: Probe): Promise<ProbeResult["odd"]> {
  const { status, headers, body } = response;
  const type = (headers.get("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= START_BYTES) break;
  }
  const start = new TextDecoder().decode(Buffer.concat(chunks).subarray(0, START_BYTES));
  if (probe.recognises({ status, type, start })) return null;
  return { path: probe.path, answer: `${status}${type && ` with ${printable(type)}`}` };
}
