// What every measurement is given: the servers, the upstream, fresh folders, and where figures go.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { FormatName, Peer, Running, Urls } from "../peers/types.ts";
import { workFolder } from "./paths.ts";
import { reason } from "./refuse.ts";
import type { RecordedUpstream } from "./upstream.ts";

/** One figure. `value` is null where it could not be taken, and `note` says why. */
export interface Row {
  measure: string;
  /** What was asked for: a column of the report. */
  case: string;
  server: string;
  metric: string;
  value: number | null;
  note?: string;
}

export interface Context {
  upstream: RecordedUpstream;
  /** Installed and selected. */
  peers: Peer[];
  formats: FormatName[];
  quick: boolean;
  rows: Row[];
}

export interface RunningPeer extends Running {
  name: string;
  formats: FormatName[];
  folder: string;
}

/** How long documents stay fresh in every server: longer than any measurement. */
export const FRESHNESS = 3600;

let folders = 0;
/** An empty folder below bench/.work/data. */
export function emptyFolder(name: string): string {
  folders += 1;
  const folder = join(workFolder("data"), `${folders}-${name.replace(/\W/g, "-")}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

export function say(line: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

/** Notes one figure. */
export function note(
  context: Context,
  measure: string,
  [server, column, metric]: [server: string, column: string, metric: string],
  value: number | null,
  why?: string,
): void {
  context.rows.push({
    measure,
    case: column,
    server,
    metric,
    value,
    ...(why ? { note: why } : {}),
  });
  const shown = value === null ? `— ${why ?? ""}` : String(Math.round(value * 1000) / 1000);
  say(`  ${measure} | ${column} | ${server} | ${metric}: ${shown}`);
}

/** Direct access to the recorded upstream, as clients would be set. */
export function directUrls(context: Context): Required<Urls> {
  const { npm, pypi, go, apt, composer } = context.upstream.urls;
  return { npm, pypi: `${pypi}/simple`, go, apt, composer };
}

export async function startPeer(
  context: Context,
  peer: Peer,
  { folder = emptyFolder(peer.name), freshness = FRESHNESS } = {},
): Promise<RunningPeer> {
  const running = await peer.start(context.upstream.urls, folder, { freshness });
  return { ...running, name: peer.name, formats: peer.formats, folder };
}

/** Stops a server and removes its data. */
export async function discard(running: RunningPeer): Promise<void> {
  await running.stop();
  rmSync(running.folder, { recursive: true, force: true });
}

/** Those of the servers that do one of the formats. */
export function peersFor(context: Context, ...formats: FormatName[]): Peer[] {
  return context.peers.filter((peer) =>
    peer.formats.some((format) => formats.includes(format) && context.formats.includes(format)),
  );
}

/** Starts servers, hands them to `body`, and ends them whatever happens. One that does not start is noted. */
export async function withServers(
  context: Context,
  measure: string,
  peers: Peer[],
  body: (servers: RunningPeer[]) => Promise<void>,
): Promise<void> {
  const servers: RunningPeer[] = [];
  try {
    for (const peer of peers) {
      try {
        servers.push(await startPeer(context, peer));
      } catch (error) {
        note(context, measure, [peer.name, "start", "started"], null, reason(error));
      }
    }
    await body(servers);
  } finally {
    for (const server of servers) await discard(server);
  }
}
