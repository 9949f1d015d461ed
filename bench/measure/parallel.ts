// Twenty first requests at once for one 15 MB packument: time, memory, upstream fetches, and how long others wait meanwhile.
import { type Context, discard, note, peersFor, startPeer } from "../lib/context.ts";
import { parallelPackument, smallPackument, verifyDocument } from "../lib/documents.ts";
import { ask } from "../lib/http.ts";
import { peakBytes } from "../lib/proc.ts";
import { Problem, reason } from "../lib/refuse.ts";
import { percentile } from "../lib/stats.ts";
import type { Peer } from "../peers/types.ts";

const MEASURE = "parallel";
const REQUESTS = 20;

export async function measureParallel(context: Context): Promise<void> {
  if (!context.formats.includes("npm")) return;
  for (const peer of peersFor(context, "npm")) {
    try {
      await measurePeer(context, peer);
    } catch (error) {
      note(context, MEASURE, [peer.name, "20 at once", "seconds"], null, reason(error));
    }
  }
}

async function measurePeer(context: Context, peer: Peer): Promise<void> {
  const running = await startPeer(context, peer);
  try {
    const small = `${running.urls.npm}/${smallPackument.path}`;
    const large = `${running.urls.npm}/${parallelPackument.path}`;
    await verifyDocument(small, smallPackument);
    const before = await waits(small, async () => Bun.sleep(500));
    await context.upstream.reset();
    const began = performance.now();
    let seconds = 0;
    const during = await waits(small, async () => {
      const { headers } = parallelPackument;
      const all = Array.from({ length: REQUESTS }, () => ask(large, { headers }));
      for (const answer of await Promise.all(all))
        if (answer.status !== 200) throw new Problem(`status ${answer.status}`);
      seconds = (performance.now() - began) / 1000;
    });
    const { counts } = await context.upstream.state();
    const figure = (metric: string, value: number | null) =>
      note(context, MEASURE, [peer.name, "20 at once", metric], value);
    figure("seconds", seconds);
    figure("upstream fetches", counts[`/${parallelPackument.path}`] ?? 0);
    figure("peak MB", peakBytes(running.pid) / 1e6);
    figure("longest wait of others ms", Math.max(...during));
    figure("p99 wait of others ms", percentile(during, 0.99));
    figure("longest wait before ms", Math.max(...before));
    await verifyDocument(large, parallelPackument); // whole, after all that
  } finally {
    await discard(running);
  }
}

/** Milliseconds of small requests sent one after the other while something else goes on. */
async function waits(url: string, meanwhile: () => Promise<void>): Promise<number[]> {
  const { headers } = smallPackument;
  const times: number[] = [];
  const done = meanwhile().then(
    () => null,
    (error: unknown) => error,
  );
  let over = false;
  void done.then(() => {
    over = true;
  });
  while (!over) {
    times.push((await ask(url, { headers })).total);
    await Bun.sleep(2);
  }
  const error = await done;
  if (error) throw error;
  return times;
}
