// `holdfast waiver …` and `block …`: what people except from the rules, one way and the other.
import type { Waiver } from "../policy/waiver.ts";
import { type Command, type Given, type Option, UsageError } from "./arguments.ts";
import { align, type Terminal } from "./terminal.ts";

export const JSON_LINES = { help: "One JSON object a line, with all details" };

type Kind = "waiver" | "block";

interface ExceptionDeps {
  options: Record<string, Option>;
  /** Has the server do it. */
  write(
    name: string,
    given: Given,
    terminal: Terminal,
    values: Record<string, string | undefined>,
  ): Promise<number>;
  reading(given: Given, terminal: Terminal): Promise<Waiver[]>;
}

const WORDS = {
  waiver: {
    add: "Let a release through that is held or blocked",
    remove: "Take a waiver back: the rules hold again from the next request on",
    list: "Show the waivers, with who made them and why",
    none: "There are no waivers.",
    until:
      "A time, how long, or fixed: 2026-12-01, 7d. fixed: when a later release comes that no rule withholds. Without it for good",
    example: [
      "waiver add pkg:npm/left-pad@1.3.1 --reason 'fixes CVE-2026-1' --until 7d",
      "A fix that cannot wait for its age",
    ],
  },
  block: {
    add: "Block a release, whatever rules and waivers say of it",
    remove: "Take a block back: rules and waivers hold again from the next request on",
    list: "Show what is blocked by hand, with who did it and why",
    none: "Nothing is blocked by hand.",
    until: "A time, or how long: 2026-12-01, 7d. Without it until it is taken back",
    example: [
      "block add pkg:npm/left-pad@1.3.1 --reason 'its author was robbed'",
      "Nobody is sent it from the next request on, stored or not",
    ],
  },
} as const;

export function exceptionCommands(
  kind: Kind,
  { options, write, reading }: ExceptionDeps,
): Command[] {
  const words = WORDS[kind];
  return [
    {
      name: `${kind} add`,
      words: "PURL",
      summary: words.add,
      options: {
        reason: { value: "TEXT", help: "Why; it is shown to whoever asks" },
        until: { value: "WHEN", help: words.until },
        versions: { value: "RANGE", help: "In place of the purl's version: '>=1.2 <2'" },
        repository: { value: "NAME", help: "Only in this repository" },
        ...options,
      },
      details:
        "It counts from the next request on, and stands in the audit log. A server that runs on the data directory does it; without one this command does it itself.",
      examples: [words.example],
      async run(given, terminal) {
        const reason = given.text("reason");
        if (!reason) throw new UsageError("--reason TEXT says why");
        const [purl] = given.words;
        const values = {
          purl,
          reason,
          until: given.text("until"),
          versions: given.text("versions"),
          repository: given.text("repository"),
        };
        return write(`${kind} add`, given, terminal, values);
      },
    },
    {
      name: `${kind} remove`,
      words: "ID",
      summary: words.remove,
      options: {
        reason: { value: "TEXT", help: "Why; it stands in the audit log" },
        ...options,
      },
      async run(given, terminal) {
        const values = { id: given.words[0], reason: given.text("reason") };
        return write(`${kind} remove`, given, terminal, values);
      },
    },
    {
      name: `${kind} list`,
      summary: words.list,
      options: { json: JSON_LINES, ...options },
      async run(given, terminal) {
        const all = await reading(given, terminal);
        const found = all.filter(({ isBlock }) => (isBlock ?? false) === (kind === "block"));
        if (given.on("json")) for (const one of found) terminal.out(`${JSON.stringify(one)}\n`);
        else if (found.length === 0) terminal.out(`${words.none}\n`);
        else terminal.out(`${tableOf(found, terminal.now())}\n`);
        return 0;
      },
    },
  ];
}

function tableOf(exceptions: readonly Waiver[], now: number): string {
  return align(
    exceptions.map((one) => [
      one.id.slice(0, 8),
      `pkg:${one.purlType}/${one.package}`,
      one.versions,
      one.repository ?? "all repositories",
      endOf(one, now),
      one.owner,
      one.reason,
    ]),
  ).join("\n");
}

function endOf({ until, untilFixed }: Waiver, now: number): string {
  if (until === null) return untilFixed ? "until fixed" : "for good";
  return until > now ? `until ${minute(until)}` : `ended ${minute(until)}`;
}

export function minute(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace("T", " ");
}
