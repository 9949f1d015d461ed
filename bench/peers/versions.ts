// The pinned versions of bench/peers.json.

import { Problem } from "../lib/refuse.ts";
import pinned from "../peers.json" with { type: "json" };

/** The pinned version of one package that a peer is made of. */
export function versionOf(peer: keyof typeof pinned, part: string): string {
  const version = (pinned[peer] as Record<string, string>)[part];
  if (!version) throw new Problem(`bench/peers.json has no ${part} for ${peer}`);
  return version;
}
