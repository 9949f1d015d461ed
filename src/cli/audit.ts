// `holdfast audit`: who did what. Read beside a server that runs.
import { type AuditRow, readAudit } from "../auth/audit.ts";
import type { FormatOptions } from "../config/schema.ts";
import { auditActions } from "../core/audit.ts";
import { DURATION, parseDuration } from "../core/duration.ts";
import { printable } from "../core/log.ts";
import { type Command, UsageError, unknown } from "./arguments.ts";
import { configFrom, configOptions } from "./options.ts";
import { readStore } from "./store.ts";
import { align, paint, type Terminal } from "./terminal.ts";

export function auditCommand({ formats }: { formats: readonly FormatOptions[] }): Command {
  return {
    name: "audit",
    summary: "Show who published, changed, read and logged in",
    options: {
      config: configOptions.config,
      data: configOptions.data,
      since: {
        value: "WHEN",
        help: "A date (2026-11-26), a time (ISO 8601), or how long ago (24h, 7d)",
      },
      until: { value: "WHEN", help: "The same for the end" },
      user: {
        value: "NAME",
        help: "Only what this user did, or this CI job, and log-ins under that name that failed",
      },
      token: { value: "TOKEN", help: "Only what came with this token, by its id or its name" },
      package: { value: "NAME", help: "Only about this package, by its name or its purl" },
      action: {
        value: "ACTION",
        help: `Only these: ${auditActions.join(", ")}`,
      },
      limit: { value: "N", help: "The newest N (100)" },
      json: { help: "One JSON object a line, with all details" },
    },
    details: `Each line is stored for ever: every publication and its changes, every grant, token, user and team, every log-in that failed, and
every file of a private package that somebody was sent. The oldest comes first.`,
    examples: [
      ["audit --since 24h --action publish", "What was published today"],
      ["audit --package @acme/app --json", "Who had it, for a report"],
    ],
    async run(given, terminal) {
      const limit = Number(given.text("limit") ?? 100);
      if (!Number.isInteger(limit) || limit < 1)
        throw new UsageError("--limit takes a whole number from 1");
      const action = given.text("action");
      if (action !== undefined && !(auditActions as readonly string[]).includes(action))
        throw new UsageError(unknown("action", action, auditActions));
      const time = (option: string) => timeOf(option, given.text(option), terminal.now());
      const [since, until] = [time("since"), time("until")];
      const config = configFrom(given, formats, terminal);
      const asked = {
        user: given.text("user"),
        package: given.text("package"),
        action,
        token: given.text("token"),
      };
      const rows = await readStore(config, ({ database }) =>
        readAudit(database.read, {
          limit,
          ...(since !== null && { since }),
          ...(until !== null && { until }),
          ...(asked.user && { principal: asked.user }),
          ...(asked.package && { package: asked.package }),
          ...(asked.action && { action: asked.action }),
          ...(asked.token && { token: asked.token }),
        }),
      );
      rows.reverse();
      if (given.on("json"))
        for (const row of rows)
          terminal.out(`${JSON.stringify({ ...row, at: new Date(row.at).toISOString() })}\n`);
      else
        terminal.out(
          rows.length === 0 ? "No line of the audit log is about that.\n" : table(rows, terminal),
        );
      return 0;
    },
  };
}

function timeOf(option: string, text: string | undefined, now: number): number | null {
  if (text === undefined) return null;
  if (DURATION.test(text)) return now - parseDuration(text);
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new UsageError(`--${option} takes a date, a time, or how long ago: 2026-11-26, 24h, 7d`);
  return at;
}

function table(rows: readonly AuditRow[], terminal: Terminal): string {
  const lines = align(
    rows.map((row) => [
      `${new Date(row.at).toISOString().slice(0, 19).replace("T", " ")} UTC`,
      row.action,
      (row.principal || "-") + (row.token ? ` (token ${row.tokenName ?? row.token})` : ""),
      row.address || "-",
      printable(aboutOf(row)),
    ]),
  );
  return `${lines
    .map((line, at) =>
      rows[at]!.action === "log in failed" ? paint(terminal, "yellow", line) : line,
    )
    .join("\n")}\n`;
}

function aboutOf({ repository, purl, package: name, detail }: AuditRow): string {
  const what = [repository, purl || name].filter(Boolean).join(" ");
  const more = Object.entries(detail)
    .filter(([, value]) => value !== null && value !== "")
    .map(([key, value]) => `${key}=${shown(key, value)}`);
  return [what, ...more].filter(Boolean).join("  ");
}

/** For people: without what is nothing, and times as such. */
function shown(key: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" && key.endsWith("At")) return new Date(value).toISOString();
  if (Array.isArray(value) && value.every((one) => typeof one === "string"))
    return value.join(",") || "-";
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const said = Object.entries(value).filter(([, inner]) => inner !== null);
  return said.map(([name, inner]) => `${name}:${shown(name, inner)}`).join(";") || "all";
}
