// An amount of a disk: bytes, or a part of all there are.

export type Share = { bytes: number } | { percent: number };

/** Whether the one is less than the other on any disk. */
export function isLess(one: Share, other: Share): boolean {
  if ("bytes" in one) return "bytes" in other && one.bytes < other.bytes;
  return "percent" in other && one.percent < other.percent;
}

export function bytesOf(share: Share, total: number): number {
  return "bytes" in share ? share.bytes : Math.ceil((share.percent / 100) * total);
}
