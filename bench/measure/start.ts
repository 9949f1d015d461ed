// How long from the command to the first answer, with nothing stored.
import { type Context, discard, note, startPeer } from "../lib/context.ts";
import { reason } from "../lib/refuse.ts";
import { median } from "../lib/stats.ts";

export async function measureStart(context: Context): Promise<void> {
  const times = new Map<string, number[]>();
  for (let round = 0; round < (context.quick ? 2 : 5); round += 1)
    for (const peer of context.peers) {
      try {
        const running = await startPeer(context, peer);
        times.set(peer.name, [...(times.get(peer.name) ?? []), running.startedIn]);
        await discard(running);
      } catch (error) {
        note(context, "start", [peer.name, "empty", "ms"], null, reason(error));
      }
    }
  for (const [name, each] of times) note(context, "start", [name, "empty", "ms"], median(each));
}
