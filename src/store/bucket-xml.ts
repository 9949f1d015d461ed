// The little of XML that S3's answers and questions have: elements with text in them.

/** What stands in an element that has no others in it. */
export function tagOf(xml: string, name: string): string | null {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text?.replace(/&(quot|apos|lt|gt|amp|#\d+|#x[0-9a-fA-F]+);/g, unescaped) ?? null;
}

const NAMED: Record<string, string> = { quot: '"', apos: "'", lt: "<", gt: ">", amp: "&" };

function unescaped(_: string, name: string): string {
  if (!name.startsWith("#")) return NAMED[name]!;
  const digits = name.slice(1);
  return String.fromCodePoint(
    digits.startsWith("x") ? Number.parseInt(digits.slice(1), 16) : Number(digits),
  );
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
