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
import { eachOnce } from "../lib/each.ts";
import { askForIndices } from "../lib/files.ts";
import { peakBytes, residentBytes } from "../lib/proc.ts";
import { reason } from "../lib/refuse.ts";
import { loadPatiently } from "../lib/wrk.ts";
import type { Peer } from "../peers/types.ts";
import { debPath, debs } from "../upstream/apt-tree.ts";

const MEASURE = "memory";
const MIRRORED_COLUMN = "peak after 10,000 packages of apt";
const LOADS: DocumentCase[] = [largePackument, projectPage, goMod];

export async function measureMemory(context: Context): Promise<void> {
  for (const peer of peersFor(context, ...context.formats)) {
    try {
      await measurePeer(context, peer);
    } catch (error) {
      note(context, MEASURE, [peer.name, "idle", "MB"], null, reason(error));
    }
    if (!peer.formats.includes("apt") || !context.formats.includes("apt")) continue;
    try {
      await measureMirroring(context, peer);
    } catch (error) {
      note(context, MEASURE, [peer.name, MIRRORED_COLUMN, "MB"], null, reason(error));
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
    const loads = LOADS.filter(
      ({ format }) => running.urls[format] && context.formats.includes(format),
    );
    try {
      for (const each of loads) {
        const url = `${running.urls[each.format]}/${each.path}`;
        await verifyDocument(url, each);
        await loadPatiently(url, each.headers, { seconds: context.quick ? 1 : 4 });
      }
      if (loads.length > 0) figure("peak of warm load", peakBytes(running.pid));
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

/** As a mirror does: an index of 8 MB, then ten thousand files that it names, each once. */
async function measureMirroring(context: Context, peer: Peer): Promise<void> {
  const running = await startPeer(context, peer);
  try {
    await askForIndices(running.urls.apt!);
    const perSecond = await eachOnce(
      running.urls.apt!,
      debs.mirrored.map((deb) => `/${debPath(deb)}`),
    );
    note(context, MEASURE, [peer.name, MIRRORED_COLUMN, "MB"], peakBytes(running.pid) / 1e6);
    note(context, MEASURE, [peer.name, "10,000 cold packages of 5 kB", "requests/s"], perSecond);
  } finally {
    await discard(running);
  }
}
