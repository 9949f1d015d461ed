// Which bytes a Range header asks for. RFC 9110 §14.1.2

/** First and last byte of a single range; null when it cannot be satisfied; "ignored" for what is not one range of bytes. */
export function parseRange(
  header: string,
  size: number,
): [start: number, end: number] | null | "ignored" {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim());
  if (!match || (match[1] === "" && match[2] === "")) return "ignored";
  if (match[1] === "") {
    const last = Number(match[2]);
    return last === 0 || size === 0 ? null : [Math.max(0, size - last), size - 1];
  }
  const start = Number(match[1]);
  const end = match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (match[2] !== "" && Number(match[2]) < start) return "ignored";
  return start >= size ? null : [start, end];
}
