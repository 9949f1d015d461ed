// An amount of a disk: bytes, or a part of all there are.

export type Share = { bytes: number } | { percent: number };

export function bytesOf(share: Share, total: number): number {
  return "bytes" in share ? share.bytes : Math.ceil((share.percent / 100) * total);
}
