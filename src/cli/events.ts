// `holdfast events`: what an operator must know, oldest first.
import type { FormatOptions } from "../config/schema.ts";
import { eventKinds } from "../core/event.ts";
import { printable } from "../core/log.ts";
import { listEvents, type StoredEvent } from "../ledger/events.ts";
import { type Command, UsageError, unknown } from "./arguments.ts";
import { configFrom, configOptions } from "./options.ts";
import { readStore } from "./store.ts";
import { align, paint, type Terminal } from "./terminal.ts";

const COLOURS: Record<string, "red" | "yellow" | "dim"> = {
  tampered: "red",
  fork: "red",
  unsigned: "red",
  damaged: "red",
  unproven: "red",
  unfinished: "red",
  "disk-low": "red",
  alarm: "red",
  "alarm-over": "dim",
  returned: "dim",
  "upstream-up": "dim",
  "disk-ok": "dim",
};

export function eventsCommand({ formats }: { formats: readonly FormatOptions[] }): Command {
  return {
    name: "events",
    summary: "Show what happened that an operator must know",
    options: {
      config: configOptions.config,
      data: configOptions.data,
      kind: {
        value: "KIND",
        help: `Only these: ${eventKinds.join(", ")}`,
      },
      repository: { value: "NAME", help: "Only of this repository" },
      limit: { value: "N", help: "The newest N (50)" },
      json: { help: "One JSON object a line, with all details" },
    },
    details: `Each event is stored for ever: bytes or integrities that changed under a fixed version, what vanished upstream,
answers that were not what they should be. Works while the server runs.`,
    examples: [["events --kind tampered", "Did an upstream ever lie?"]],
    async run(given, terminal) {
      const limit = Number(given.text("limit") ?? 50);
      if (!Number.isInteger(limit) || limit < 1)
        throw new UsageError("--limit takes a whole number from 1");
      const asked = given.text("kind");
      if (asked !== undefined && !eventKinds.some((known) => known === asked))
        throw new UsageError(`--kind takes one of ${eventKinds.join(", ")}`);
      const [kind, repository] = [given.text("kind"), given.text("repository")];
      const config = configFrom(given, formats, terminal);
      const found = await readStore(config, ({ database }) =>
        listEvents(database.read, {
          limit,
          ...(kind && { kind }),
          ...(repository && { repository }),
        }),
      );
      if (given.on("json"))
        for (const event of found)
          terminal.out(`${JSON.stringify({ ...event, at: new Date(event.at).toISOString() })}\n`);
      else if (found.length === 0) {
        const names = config.repositories.map(({ name }) => name);
        // One that was taken out of the configuration may have had some.
        if (repository && !names.includes(repository))
          throw new UsageError(unknown("repository", repository, names));
        terminal.out("No events.\n");
      } else terminal.out(table(found, terminal));
      return 0;
    },
  };
}

function table(events: StoredEvent[], terminal: Terminal): string {
  const rows = events.map(({ at, kind, repository, message }) => [
    new Date(at).toISOString().slice(0, 19).replace("T", " "),
    kind,
    repository,
    printable(message),
  ]);
  const lines = align(rows).map((line, row) => {
    const colour = COLOURS[events[row]!.kind];
    return colour ? paint(terminal, colour, line) : line;
  });
  return `${lines.join("\n")}\n`;
}
