// The normal form of a version. https://packaging.python.org/en/latest/specifications/version-specifiers/ (PEP 440)

const VERSION = new RegExp(
  [
    "^v?(?:(\\d+)!)?(\\d+(?:\\.\\d+)*)",
    "(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\\d*))?",
    "(?:-(\\d+)|[-_.]?(post|rev|r)[-_.]?(\\d*))?",
    "(?:[-_.]?(dev)[-_.]?(\\d*))?",
    "(?:\\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$",
  ].join(""),
);

const PRE: Record<string, string> = { alpha: "a", beta: "b", preview: "rc", pre: "rc", c: "rc" };

const number = (digits: string) => digits.replace(/^0+(?=\d)/, "") || "0";

/** The one spelling of a version ("1.0-Beta.2" → "1.0b2"); a text that is no version comes back trimmed and as it is. */
export function normalizeVersion(text: string): string {
  const trimmed = text.trim();
  if (trimmed.length > 200) return trimmed;
  const match = VERSION.exec(trimmed.toLowerCase());
  if (!match) return trimmed;
  const [, epoch, release, pre, preNumber, bare, post, postNumber, dev, devNumber, local] = match;
  let normal = release!.split(".").map(number).join(".");
  if (epoch && number(epoch) !== "0") normal = `${number(epoch)}!${normal}`;
  if (pre) normal += `${PRE[pre] ?? pre}${number(preNumber!)}`;
  if (bare ?? post) normal += `.post${number(bare ?? postNumber!)}`;
  if (dev) normal += `.dev${number(devNumber!)}`;
  if (local) {
    const parts = local.split(/[-_.]/).map((part) => (/^\d+$/.test(part) ? number(part) : part));
    normal += `+${parts.join(".")}`;
  }
  return normal;
}
