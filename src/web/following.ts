// How it goes with the server that this one follows: in one sentence for people, and in numbers for who watches.

/** Times are milliseconds since the epoch. */
export interface Followed {
  readonly url: string;
  state(): {
    leaves: number;
    taken: number;
    wanted: number;
    cutSince: number | null;
    why: string;
    isRefused: boolean;
    currentAt: number | null;
    fault: string | null;
    heardAt: number | null;
  };
}

/** `state`: "following", or why not all is as the primary has it. */
export function followingState({ url, state }: Followed, now: number) {
  const { leaves, taken, wanted, cutSince, why, isRefused, currentAt, fault } = state();
  const cut = isRefused ? "refused" : "cut";
  const name = fault !== null ? "forked" : cutSince !== null ? cut : "following";
  const reason = fault ?? (isRefused ? why : null);
  return {
    primary: url,
    state: name,
    behindLeaves: leaves - taken,
    toBring: wanted,
    lagSeconds: currentAt === null ? null : Math.max(0, Math.round((now - currentAt) / 1000)),
    ...(cutSince !== null && { cutSince: timeOf(cutSince) }),
    ...(reason !== null && { reason }),
  };
}

/** Without a final period. */
export function followingText({ url, state }: Followed, now: number): string {
  const { leaves, taken, wanted, cutSince, why, isRefused, currentAt, fault } = state();
  const behind = leaves - taken;
  if (fault !== null) return `Follows ${url} no more: ${fault}`;
  const what = `Follows ${url}, for reading alone`;
  if (cutSince !== null && isRefused)
    return `${what}: ${why}, since ${timeOf(cutSince)}, and what was had before is served`;
  if (cutSince !== null)
    return `${what}: it cannot be asked since ${timeOf(cutSince)}, and what was had before is served`;
  if (currentAt === null) return `${what}: it was not heard yet`;
  const age = Math.max(0, Math.round((now - currentAt) / 1000));
  const more = [
    ...(behind > 0 ? [`${behind} leaves of its log are not taken in yet`] : []),
    ...(wanted > 0 ? [`${wanted} files and documents are still to be brought`] : []),
  ];
  return `${what}: as it was ${age} seconds ago${more.map((text) => `, ${text}`).join("")}`;
}

function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
