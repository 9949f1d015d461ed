// `holdfast user|team|grant|token|access …`: accounts without pages. A server that runs on the data directory does it.
import { readFile } from "node:fs/promises";
import type { Config } from "../config/resolve.ts";
import type { FormatOptions } from "../config/schema.ts";
import { printable } from "../core/log.ts";
import type { AccountCommandName } from "../server/account-operations.ts";
import { type Command, type Given, type Option, UsageError, unknown } from "./arguments.ts";
import type { RunDeps } from "./operations.ts";
import { configFrom, configOptions, rootUrl } from "./options.ts";
import { type PasswordInput, readPassword } from "./password.ts";
import { hasStore, newStore, requireStore } from "./store.ts";
import { align, paint, type Terminal } from "./terminal.ts";
import { who } from "./who.ts";

export interface AccountDeps extends RunDeps {
  formats: readonly FormatOptions[];
  /** Where passwords are typed. */
  input?: PasswordInput;
}

const passwordStdin: Record<string, Option> = {
  "password-stdin": { help: "Read the password from standard input" },
};
const where: Record<string, Option> = {
  repository: { value: "NAME", help: "Only in this repository; all without it" },
  package: { value: "PATTERN", help: "Only these packages, as in claims; all without it" },
};
const reason: Record<string, Option> = {
  reason: { value: "TEXT", help: "Why; it stands in the audit log" },
};
const taking: Record<string, Option> = {
  ...reason,
  force: { help: "Also where nobody is left then who administers all" },
};
const takingOf = ({ text, on }: Given) => ({ reason: text("reason"), isForced: on("force") });
const ACTIONS = ["read", "publish", "unpublish", "follow", "admin"];

interface Definition {
  name: AccountCommandName;
  /** Only says what is there: it makes no data directory to say that there is nothing in it. */
  isListing?: true;
  words?: string;
  summary: string;
  details?: string;
  options?: Record<string, Option>;
  examples?: Command["examples"];
  /** The command's arguments as the server takes them. */
  given(given: Given, ask: () => Promise<string>, config: Config): Promise<object> | object;
}

const definitions: Definition[] = [
  {
    name: "user add",
    words: "NAME",
    summary: "Make a user",
    options: {
      ...passwordStdin,
      email: { value: "ADDRESS", help: "Their mail address, which lists of owners show" },
      admin: { help: "May do everything" },
      "no-password": { help: "Logs in through another system alone (LDAP, OpenID Connect)" },
    },
    examples: [["user add ann --admin", "The first administrator, without a browser"]],
    given: async (given, ask) => ({
      name: given.words[0],
      email: given.text("email") ?? "",
      admin: given.on("admin"),
      password: given.on("no-password") ? null : await ask(),
    }),
  },
  {
    name: "user import",
    words: "FILE",
    summary: "Take over users from an htpasswd file",
    details:
      "Takes over bcrypt, apr1, {SHA} and crypt's SHA hashes. Each is hashed anew, with argon2id, when its user logs in next. Users that are here already stay as they are. Ends with 1 when a line was not taken over.",
    given: async (given) => ({ text: await readFile(given.words[0]!, "utf8") }),
  },
  { name: "user list", isListing: true, summary: "Show the users", given: () => ({}) },
  {
    name: "user remove",
    words: "NAME",
    summary: "Remove a user, with their grants and tokens",
    options: taking,
    given: (given) => ({ name: given.words[0], ...takingOf(given) }),
  },
  {
    name: "user password",
    words: "NAME",
    summary: "Give a user another password",
    details: `--none is the way from a password here to OpenID Connect or LDAP: the user keeps grants, teams and tokens, and is from then on whoever logs in first under
this name through the other system. It does the same for users who come through another provider from now on.`,
    options: {
      ...passwordStdin,
      none: { help: "Take the password away: they log in through another system from now on" },
    },
    examples: [["user password ben --none", "Ben logs in through OpenID Connect from now on"]],
    given: async ({ words, on }, ask) => ({
      name: words[0],
      password: on("none") ? null : await ask(),
    }),
  },
  {
    name: "user invite",
    words: "NAME",
    summary: "Make a link by which a user sets a password, and show it this once",
    details:
      "It is good for one password. A new user gets theirs so, and one who forgot it; another link, another password and the end of the user end it.",
    options: { days: { value: "N", help: "It is good for so many days, 30 at most (3)" } },
    given: ({ words, text }, _ask, config) => ({
      name: words[0],
      days: daysOf(text("days") ?? "3", 30),
      root: rootUrl(config),
    }),
  },
  {
    name: "user disable",
    words: "NAME",
    summary: "Let a user do nothing, until they are enabled again",
    options: taking,
    given: (given) => ({ name: given.words[0], ...takingOf(given) }),
  },
  {
    name: "user enable",
    words: "NAME",
    summary: "Let a user who was disabled do again what they may",
    given: ({ words }) => ({ name: words[0] }),
  },
  {
    name: "team add",
    words: "NAME",
    summary: "Make a team",
    given: ({ words }) => ({ name: words[0] }),
  },
  {
    name: "team remove",
    words: "NAME",
    summary: "Remove a team, with its grants",
    options: taking,
    given: (given) => ({ name: given.words[0], ...takingOf(given) }),
  },
  {
    name: "team list",
    isListing: true,
    summary: "Show the teams and their members",
    given: () => ({}),
  },
  {
    name: "team join",
    words: "TEAM USER",
    summary: "Put a user into a team",
    given: ({ words }) => ({ team: words[0], user: words[1] }),
  },
  {
    name: "team leave",
    words: "TEAM USER",
    summary: "Take a user out of a team",
    options: taking,
    given: (given) => ({ team: given.words[0], user: given.words[1], ...takingOf(given) }),
  },
  {
    name: "grant add",
    words: "TO ACTIONS",
    summary: "Let somebody do something",
    details: `TO is user:NAME, team:NAME, everyone (who is logged in) or anonymous. ACTIONS are ${ACTIONS.join(", ")}, with commas between
several; publish and unpublish each bring read, and admin brings all.`,
    options: where,
    examples: [
      [
        "grant add team:web publish --repository npm --package '@acme/*'",
        "Who may publish the company's packages",
      ],
      ["grant add everyone read", "All who are logged in may read everything"],
    ],
    given: (given) => ({
      holder: given.words[0],
      actions: actionsOf(given.words[1]!),
      repository: oneOf(given, "repository"),
      package: oneOf(given, "package"),
    }),
  },
  {
    name: "grant list",
    isListing: true,
    summary: "Show who was given what, and where that stands",
    given: () => ({}),
  },
  {
    name: "grant remove",
    words: "ID",
    summary: "Take back what somebody was given",
    options: taking,
    given: (given) => ({ id: given.words[0], ...takingOf(given) }),
  },
  {
    name: "token create",
    words: "USER",
    summary: "Make a token, and show it this once",
    details:
      "A token may never do more than its user. It works as Bearer, as the password of Basic beside any name (pip, uv, netrc, auth.conf, Composer), and as npm's _authToken.",
    options: {
      name: { value: "TEXT", help: "What it is for, for lists (made by a command)" },
      may: { value: "ACTIONS", help: `Only these: ${ACTIONS.join(", ")}` },
      ...where,
      cidr: { value: "RANGES", help: "Only from these addresses: 10.0.0.0/8,2001:db8::/32" },
      days: { value: "N", help: "Works for so many days" },
    },
    examples: [["token create ci --may read --days 90", "For builds: it can publish nothing"]],
    given: (given, _ask) => ({
      user: given.words[0],
      name: given.text("name") ?? "made by a command",
      scope: {
        actions: given.text("may") === undefined ? null : actionsOf(given.text("may")!),
        repositories: listOf(given.text("repository")),
        packages: listOf(given.text("package")),
      },
      cidrs: listOf(given.text("cidr")) ?? [],
      expiresAt: expiryOf(given.text("days")),
    }),
  },
  {
    name: "token list",
    isListing: true,
    words: "[USER]",
    summary: "Show tokens, without their secrets",
    given: ({ words }) => ({ user: words[0] ?? null }),
  },
  {
    name: "token revoke",
    words: "ID",
    summary: "End a token, by its id or by itself",
    details: "It holds for the very next request.",
    options: reason,
    given: ({ words, text }) => ({ id: words[0], reason: text("reason") }),
  },
  {
    name: "access show",
    isListing: true,
    words: "USER",
    summary: "Show what a user may, or anonymous, and where each grant comes from",
    given: ({ words }) => ({ user: words[0] }),
  },
];

export function accountCommands(deps: AccountDeps): Command[] {
  return definitions.map((definition) => ({
    name: definition.name,
    summary: definition.summary,
    ...(definition.words && { words: definition.words }),
    ...(definition.details && { details: definition.details }),
    ...(definition.examples && { examples: definition.examples }),
    options: {
      ...definition.options,
      config: configOptions.config,
      data: configOptions.data,
    },
    async run(given, terminal) {
      const config = configFrom(given, deps.formats, terminal);
      const ask = () => readPassword(given.on("password-stdin"), terminal.err, deps.input);
      requireRepositories(given, config);
      if (definition.isListing) requireStore(config);
      const wanted = await definition.given(given, ask, config);
      const values = {
        command: definition.name,
        given: JSON.stringify(wanted),
        by: who(),
      };
      const rows: string[][] = [];
      const signal = new AbortController().signal;
      const request = { name: "accounts", repository: "", flags: new Set<string>(), values };
      const call = {
        progress() {},
        say: (line: string) => void rows.push(line.split("\t")),
        signal,
      };
      const isNew = !hasStore(config);
      try {
        await deps.operate(config, request, call);
      } finally {
        if (isNew && hasStore(config)) terminal.err(`${newStore(config)}\n`);
        // Scripts take the secret from standard output: what else there is to say goes beside it.
        const beside = definition.name === "token create" ? rows.splice(0, rows.length - 1) : [];
        for (const row of beside) terminal.err(`${printable(row.join(" "))}\n`);
        print(rows, terminal);
      }
      if (["token create", "user invite"].includes(definition.name) && terminal.tty)
        terminal.err(paint(terminal, "dim", "It is shown this once.\n"));
      return 0;
    },
  }));
}

/** A misspelt one would be given, and mean nothing. */
function requireRepositories(given: Given, { repositories }: Config): void {
  const names = repositories.map(({ name }) => name);
  const wrong = listOf(given.text("repository"))?.find((name) => !names.includes(name));
  if (wrong !== undefined) throw new UsageError(unknown("repository", wrong, names));
}

/** Rows of several cells are tables; between them stand sentences. */
function print(rows: readonly string[][], terminal: Terminal): void {
  const cells = rows.map((row) => row.map(printable));
  const table = align(cells.filter((row) => row.length > 1));
  const head = table[0];
  for (const row of cells) {
    const line = row.length > 1 ? table.shift()! : row[0]!;
    terminal.out(`${row.length > 1 && line === head ? paint(terminal, "dim", line) : line}\n`);
  }
}

function actionsOf(text: string): string[] {
  const actions = text.split(",").map((word) => word.trim());
  const wrong = actions.find((action) => !ACTIONS.includes(action));
  if (wrong !== undefined)
    throw new UsageError(`${JSON.stringify(wrong)} is nothing to allow: ${ACTIONS.join(", ")}`);
  return actions;
}

function listOf(text: string | undefined): string[] | null {
  return text === undefined ? null : text.split(",").map((word) => word.trim());
}

/** A grant is for one, so that each can be taken back by itself. */
function oneOf(given: Given, option: string): string | null {
  const text = given.text(option);
  if (text?.includes(",")) throw new UsageError(`--${option} takes one: give a grant for each`);
  return text ?? null;
}

function expiryOf(days: string | undefined): number | null {
  return days === undefined ? null : Date.now() + daysOf(days) * 86_400_000;
}

function daysOf(text: string, most = Number.MAX_SAFE_INTEGER): number {
  const number = Number(text);
  if (number > 0 && number <= most) return number;
  throw new UsageError(
    `--days takes a number of days${most < Number.MAX_SAFE_INTEGER ? `, ${most} at most` : ""}`,
  );
}
