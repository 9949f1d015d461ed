// Sizes as people write them: 512KiB, 64MiB, 2GB.

export const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

export const SIZE = /^(\d+)(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;

/** Bytes of "64MiB"; throws a RangeError on anything else. */
export function parseSize(text: string): number {
  const match = SIZE.exec(text);
  if (!match) throw new RangeError(`Expected a size like 64MiB, got ${JSON.stringify(text)}`);
  return Number(match[1]) * UNITS[match[2]!]!;
}

/** Bytes for people: 1.5 GiB. */
export function humanSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
