// Fills the recording from the real registries: once directly, once through every server, since each asks in its own way.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clients, installOnce } from "./clients.ts";
import { type Context, directUrls, discard, peersFor, say, startPeer } from "./context.ts";
import { goMod, projectPage, verifyDocument } from "./documents.ts";
import { projects, workFolder } from "./paths.ts";
import { reason } from "./refuse.ts";

const LISTS = ["npm/package-lock.json", "pypi/requirements.txt", "go/go.sum"];

/** What the recording must hold: it is made again for who or what was not there. */
function wantedBy(names: string[]): Record<string, string> {
  const lists = LISTS.map((list) => readFileSync(join(projects, list), "utf8")).join();
  const version = Bun.hash(lists).toString(16);
  return Object.fromEntries(names.map((name) => [name, version]));
}

/** Records what is missing. The upstream must be stopped, and is stopped after. */
export async function record(context: Context): Promise<void> {
  const file = join(workFolder("recording"), "recorded.json");
  const known = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const all: Context = { ...context, formats: ["npm", "pypi", "go"] };
  const recorded = peersFor(all, ...all.formats);
  const wanted = wantedBy(["direct", ...recorded.map((peer) => peer.name)]);
  const missing = Object.keys(wanted).filter((name) => known[name] !== wanted[name]);
  if (missing.length === 0) return;
  say(`Recording for ${missing.join(", ")}`);
  await context.upstream.start(true);
  const direct = directUrls(context);
  for (const client of clients) {
    if (!all.formats.includes(client.format)) continue; // the others are made up
    if (missing.includes("direct")) await installOnce(client, direct[client.format]);
    for (const peer of peersFor(all, client.format)) {
      if (!missing.includes(peer.name)) continue;
      const running = await startPeer(all, peer).catch(() => null);
      if (!running) continue;
      const url = running.urls[client.format]!;
      await installOnce(client, url).catch((error) => say(`  ${peer.name}: ${reason(error)}`));
      await discard(running);
    }
  }
  for (const each of [projectPage, goMod])
    await verifyDocument(`${direct[each.format]}/${each.path}`, each);
  const { missing: unknown } = await context.upstream.state();
  writeFileSync(join(workFolder("logs"), "not-recorded.json"), JSON.stringify(unknown, null, 1));
  await context.upstream.stop();
  writeFileSync(file, JSON.stringify({ ...known, ...wanted }));
}
