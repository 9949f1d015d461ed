// When a version was published, as composer.json says it. https://getcomposer.org/doc/04-schema.md#time

const DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?/;
const ZONE = /^ ?(?:(Z|UTC|GMT)|([+-]\d{2}):?(\d{2}))?$/i;
/** Milliseconds that ISO 8601 can write with four digits for the year. */
const LATEST = Date.parse("9999-12-31T23:59:59Z");

/** ISO 8601; UTC where no zone is told. Null for what is no time: relative ones ("yesterday") are none that could be pinned. */
export function timeOf(value: unknown): string | null {
  if (typeof value !== "string") return null;
  if (/^\d{1,12}$/.test(value)) return iso(Number(value) * 1000);
  const [all, day, time = "00:00"] = DATE.exec(value) ?? [];
  const zone = all === undefined ? null : ZONE.exec(value.slice(all.length));
  if (!zone) return null;
  const [, , hours, minutes] = zone;
  return iso(Date.parse(`${day}T${time}${hours === undefined ? "Z" : `${hours}:${minutes}`}`));
}

function iso(at: number): string | null {
  return at >= 0 && at <= LATEST ? new Date(at).toISOString() : null;
}
