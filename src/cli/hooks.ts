// `holdfast hooks list|test|resend`: what is told to other systems and people, read beside a server that runs; and told again by it.
import type { HookConfig } from "../config/hooks.ts";
import type { Config } from "../config/resolve.ts";
import type { FormatOptions } from "../config/schema.ts";
import { printable } from "../core/log.ts";
import {
  countDeliveries,
  type Delivery,
  lastTold,
  listDeliveries,
  type State,
} from "../hooks/rows.ts";
import type { ReadDatabase } from "../store/database.ts";
import { type Command, type Given, UsageError, unknown } from "./arguments.ts";
import { type RunDeps, runHouse } from "./operations.ts";
import { configFrom, configOptions } from "./options.ts";
import { readStore } from "./store.ts";
import { align, paint, type Terminal } from "./terminal.ts";
import { who } from "./who.ts";

export interface HookCommandDeps extends RunDeps {
  formats: readonly FormatOptions[];
}

const STATES = ["waiting", "told", "failed"];
const WHERE =
  "A server that runs on the data directory does it; without one this command does it itself.";

export function hookCommands(deps: HookCommandDeps): Command[] {
  const options = { config: configOptions.config, data: configOptions.data };

  function hookOf(given: Given, config: Config): HookConfig {
    const [name = ""] = given.words;
    const found = config.hooks.find((hook) => hook.name === name);
    if (found) return found;
    if (config.hooks.length === 0) throw new UsageError("the configuration has no hooks");
    throw new UsageError(
      unknown(
        "hook",
        name,
        config.hooks.map((hook) => hook.name),
      ),
    );
  }

  async function run(
    name: string,
    values: Record<string, string>,
    given: Given,
    terminal: Terminal,
  ): Promise<number> {
    const config = configFrom(given, deps.formats, terminal);
    const { name: hook } = hookOf(given, config);
    return runHouse(name, { ...values, hook, by: who() }, config, deps, terminal);
  }

  return [
    {
      name: "hooks list",
      words: "[HOOK]",
      summary: "Show the hooks, or what one of them is told",
      options: {
        ...options,
        state: { value: "STATE", help: "Only messages that are waiting, told or failed" },
        limit: { value: "N", help: "The newest N messages (50)" },
        json: { help: "One JSON object a line, with all that is told" },
      },
      details: "Works while the server runs.",
      examples: [["hooks list chat --state failed", "What did nobody hear?"]],
      async run(given, terminal) {
        const state = given.text("state");
        if (state !== undefined && !STATES.includes(state))
          throw new UsageError(`--state takes one of ${STATES.join(", ")}`);
        const limit = Number(given.text("limit") ?? 50);
        if (!Number.isInteger(limit) || limit < 1)
          throw new UsageError("--limit takes a whole number from 1");
        const config = configFrom(given, deps.formats, terminal);
        const isJson = given.on("json");
        if (given.words.length === 0) {
          const text = await readStore(config, ({ database }) =>
            listHooks(config.hooks, database, isJson),
          );
          terminal.out(text);
          return 0;
        }
        const { name } = hookOf(given, config);
        const found = await readStore(config, ({ database }) =>
          listDeliveries(database.read, name, { state: state as State | undefined, limit }),
        );
        terminal.out(isJson ? found.map(asJson).join("") : tableOf(found, terminal));
        return 0;
      },
    },
    {
      name: "hooks test",
      words: "HOOK",
      summary: "Tell a hook that it is tried out, once, and say whether it was told",
      options,
      details: WHERE,
      examples: [["hooks test chat", "Does it arrive?"]],
      run: (given, terminal) => run("hooks test", {}, given, terminal),
    },
    {
      name: "hooks resend",
      words: "HOOK [MESSAGE]",
      summary: "Tell a hook once more what it was told, or was not",
      options: { failed: { help: "All messages that were given up" }, ...options },
      details: `The message keeps its id, so that receivers know it again. ${WHERE}`,
      examples: [["hooks resend chat --failed", "The receiver was away for a week"]],
      async run(given, terminal) {
        const [, id] = given.words;
        if ((id === undefined) !== given.on("failed"))
          throw new UsageError("takes a message's id, or --failed");
        const values: Record<string, string> = id === undefined ? { failed: "yes" } : { id };
        return run("hooks resend", values, given, terminal);
      },
    },
  ];
}

async function listHooks(
  hooks: readonly HookConfig[],
  { read }: ReadDatabase,
  isJson: boolean,
): Promise<string> {
  const counts = await countDeliveries(read);
  const rows = await Promise.all(
    hooks.map(async ({ name, to, events }) => ({
      name,
      to: "mail" in to ? to.mail.join(", ") : new URL(to.url).host,
      events,
      ...(counts.get(name) ?? { waiting: 0, failed: 0 }),
      lastTold: timeOf(await lastTold(read, name)),
    })),
  );
  if (isJson) return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  if (rows.length === 0) return "The configuration has no hooks.\n";
  const head = ["HOOK", "TO", "EVENTS", "WAITING", "FAILED", "LAST TOLD"];
  const cells = rows.map(({ name, to, events, waiting, failed, lastTold: last }) => [
    name,
    to,
    events.join(", "),
    String(waiting),
    String(failed),
    shownTime(last),
  ]);
  return `${align([head, ...cells]).join("\n")}\n`;
}

function tableOf(found: readonly Delivery[], terminal: Terminal): string {
  if (found.length === 0) return "Nothing.\n";
  const lines = align(
    found.map(({ id, createdAt, type, state, tries, payload, error }) => [
      shownTime(timeOf(createdAt)),
      id,
      type,
      state,
      `${tries}×`,
      printable(state === "told" ? JSON.parse(payload).message : (error ?? "")),
    ]),
  );
  return `${lines
    .map((line, at) => (found[at]!.state === "failed" ? paint(terminal, "yellow", line) : line))
    .join("\n")}\n`;
}

function asJson({ payload, createdAt, triedAt, nextAt, endsAt, ...row }: Delivery): string {
  const times = {
    createdAt: timeOf(createdAt),
    triedAt: timeOf(triedAt),
    nextAt: timeOf(nextAt),
    endsAt: timeOf(endsAt),
  };
  return `${JSON.stringify({ ...row, ...times, payload: JSON.parse(payload) })}\n`;
}

function timeOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

function shownTime(time: string | null): string {
  return time === null ? "never" : time.slice(0, 19).replace("T", " ");
}
