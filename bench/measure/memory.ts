// Memory of each server: idle, after load, and with a 105 MB packument passing through.
import { type Context, discard, note, peersFor, startPeer } from "../lib/context.ts";
import {
  type DocumentCase,
  goMod,
  hugePackument,
  largePackument,
  projectPage,
  verifyDocument,
} from "../lib/documents.ts";
import { peakBytes, residentBytes } from "../lib/proc.ts";
import { reason } from "../lib/refuse.ts";
import { loadPatiently } from "../lib/wrk.ts";
import type { Peer } from "../peers/types.ts";

const MEASURE = "memory";
const LOADS: DocumentCase[] = [largePackument, projectPage, goMod];

export async function measureMemory(context: Context): Promise<void> {
  for (const peer of peersFor(context, ...context.formats)) {
    try {
      await measurePeer(context, peer);
    } catch (error) {
      note(context, MEASURE, [peer.name, "idle", "MB"], null, reason(error));
    }
  }
}

async function measurePeer(context: Context, peer: Peer): Promise<void> {
  const running = await startPeer(context, peer);
  const figure = (column: string, bytes: number) =>
    note(context, MEASURE, [peer.name, column, "MB"], bytes / 1e6);
  const failed = (column: string, error: unknown) =>
    note(context, MEASURE, [peer.name, column, "MB"], null, reason(error));
  try {
    await Bun.sleep(2000);
    figure("idle", residentBytes(running.pid));
    try {
      for (const each of LOADS) {
        const base = running.urls[each.format];
        if (!base || !context.formats.includes(each.format)) continue;
        await verifyDocument(`${base}/${each.path}`, each);
        await loadPatiently(`${base}/${each.path}`, each.headers, {
          seconds: context.quick ? 1 : 4,
        });
      }
      figure("peak of warm load", peakBytes(running.pid));
    } catch (error) {
      failed("peak of warm load", error);
    }
    if (!running.urls.npm || !context.formats.includes("npm")) return;
    try {
      const url = `${running.urls.npm}/${hugePackument.path}`;
      const { total } = await verifyDocument(url, hugePackument, undefined, { timeout: 60_000 });
      figure("peak with 105 MB packument", peakBytes(running.pid));
      note(context, MEASURE, [peer.name, "105 MB packument, cold", "seconds"], total / 1000);
    } catch (error) {
      failed("peak with 105 MB packument", error);
    }
  } finally {
    await discard(running);
  }
}
