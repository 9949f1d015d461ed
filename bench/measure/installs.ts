// Real clients installing real projects: direct, cold, warm, and with the upstream gone and every document stale.
import type { Client } from "../lib/client.ts";
import { clients, installOnce } from "../lib/clients.ts";
import {
  type Context,
  directUrls,
  discard,
  note,
  peersFor,
  type RunningPeer,
  say,
  startPeer,
} from "../lib/context.ts";
import { cpuSeconds } from "../lib/proc.ts";
import { reason } from "../lib/refuse.ts";
import { median } from "../lib/stats.ts";

const MEASURE = "installs";

export async function measureInstalls(context: Context): Promise<void> {
  for (const client of clients.filter((each) => context.formats.includes(each.format)))
    await measureClient(context, client);
}

/** Times by "server|case|metric", to be noted as medians. */
type Times = Map<string, number[]>;

async function measureClient(context: Context, client: Client): Promise<void> {
  const times: Times = new Map();
  const direct = directUrls(context)[client.format];
  const first = await installOnce(client, direct); // warms the machine, and tells the number
  const { count } = first;
  if (context.quick) add(times, "direct", client, "direct", "seconds", first.seconds);
  note(context, MEASURE, ["direct", client.title, "packages"], count);
  const servers: RunningPeer[] = [];
  try {
    const rounds = context.quick ? 1 : 2;
    for (const peer of peersFor(context, client.format)) {
      // The peers take one cold round: theirs is further from direct than two rounds differ.
      const coldRounds = peer.name === "holdfast" ? rounds : 1;
      for (let round = 0; round < coldRounds; round += 1) {
        try {
          const running = await startPeer(context, peer);
          servers.push(running);
          await time(context, times, client, running, "cold", count);
          const again = round < coldRounds - 1;
          if (again) await discard(servers.pop()!);
        } catch (error) {
          note(
            context,
            MEASURE,
            [peer.name, `${client.title}, cold`, "seconds"],
            null,
            reason(error),
          );
          if (servers.at(-1)?.name === peer.name) await discard(servers.pop()!);
          break;
        }
      }
    }
    for (let round = 0; round < rounds; round += 1) {
      if (!context.quick) {
        const { seconds } = await installOnce(client, direct, count);
        add(times, "direct", client, "direct", "seconds", seconds);
      }
      for (const server of servers) await time(context, times, client, server, "warm", count);
    }
    await measureDead(context, times, client, servers, count);
  } finally {
    for (const server of servers) await discard(server);
  }
  for (const [key, all] of times) {
    const [server, column, metric] = key.split("|") as [string, string, string];
    note(context, MEASURE, [server, column, metric], median(all));
  }
}

/** Cuts the cable, restarts each server with the data it has and documents that are fresh for a second, and installs. */
async function measureDead(
  context: Context,
  times: Times,
  client: Client,
  servers: RunningPeer[],
  count: number,
): Promise<void> {
  await context.upstream.stop();
  try {
    for (const [at, server] of servers.entries()) {
      await server.stop();
      const peer = context.peers.find((each) => each.name === server.name)!;
      try {
        const { folder } = server;
        servers[at] = await startPeer(context, peer, { folder, freshness: 1 });
        await time(context, times, client, servers[at]!, "upstream dead", count);
      } catch (error) {
        const column = `${client.title}, upstream dead`;
        note(context, MEASURE, [server.name, column, "seconds"], null, reason(error));
      }
      await servers[at]!.stop();
    }
  } finally {
    await context.upstream.start();
  }
}

function add(
  times: Times,
  server: string,
  client: Client,
  column: string,
  metric: string,
  value: number,
): void {
  const key = `${server}|${client.title}, ${column}|${metric}`;
  times.set(key, [...(times.get(key) ?? []), value]);
}

async function time(
  context: Context,
  times: Times,
  client: Client,
  server: RunningPeer,
  column: string,
  count: number,
): Promise<void> {
  const before = cpuSeconds(server.pid);
  try {
    const { seconds } = await installOnce(client, server.urls[client.format]!, count);
    say(`  ${server.name}, ${client.title}, ${column}: ${seconds.toFixed(1)} s`);
    add(times, server.name, client, column, "seconds", seconds);
    add(times, server.name, client, column, "server CPU s", cpuSeconds(server.pid) - before);
  } catch (error) {
    const key = `${client.title}, ${column}`;
    note(context, MEASURE, [server.name, key, "seconds"], null, reason(error));
  }
}
