// `holdfast ledger compare URL`: does another server know the same history of this one's log?
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { FormatOptions } from "../config/schema.ts";
import { wordsFor } from "../core/connection.ts";
import { Problem } from "../core/problem.ts";
import { compareLog, type ReadOther } from "../ledger/log/compare.ts";
import { type Command, UsageError } from "./arguments.ts";
import { logOf } from "./ledger-receipts.ts";
import { configFrom, configOptions } from "./options.ts";

/** Of a checkpoint or a tile. */
const LONGEST = 1024 * 1024;
const PATIENCE_MS = 30_000;

export function compareCommand({ formats }: { formats: readonly FormatOptions[] }): Command {
  return {
    name: "ledger compare",
    words: "URL",
    summary: "Look whether another server knows the same history of this server's log",
    options: {
      config: configOptions.config,
      data: configOptions.data,
      "token-file": { value: "FILE", help: "A file with a token for the other server" },
    },
    details: `URL is a witness of this log (\`ledger.witnesses\`, another Holdfast or any of c2sp.org/tlog-witness), or a server or a folder of a web
server that has a copy of the log. Exit code 1 when it knows another history, or one that goes on where this one ends: then this data directory was
put back to an older copy, or a copy of it is served elsewhere.`,
    examples: [["ledger compare https://other.example.com", "After a restore"]],
    async run(given, terminal) {
      const [url] = given.words as [string];
      if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
        throw new UsageError(`${url} is no http(s) URL`);
      const path = given.text("token-file");
      const token = path && readFileSync(resolve(terminal.cwd, path), "utf8").trim();
      const log = await logOf(configFrom(given, formats, terminal));
      const { at, theirs, ours, verdict } = await compareLog(log, readingFrom(url, token));
      const sizes = `${theirs} leaves at ${at}, ${ours} here`;
      if (verdict === "same") {
        terminal.out(`the same history: ${sizes}\n`);
        return 0;
      }
      terminal.err(
        verdict === "fork"
          ? `FORK: the two have different leaves (${sizes}). Keep both: they are signed by the same key\n`
          : `the other server has signed more than there is here (${sizes}): this log was put back to an older copy, or a copy of it goes on elsewhere\n`,
      );
      return 1;
    },
  };
}

function readingFrom(url: string, token: string | undefined): ReadOther {
  return async (path) => {
    const answer = await fetch(`${url.replace(/\/+$/, "")}${path}`, {
      headers: { ...(token && { authorization: `Bearer ${token}` }), accept: "*/*" },
      redirect: "manual",
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch((error: Error) => {
      throw new Problem("unreachable", `${url} does not answer: ${wordsFor(error)}`);
    });
    if (answer.status >= 500 || answer.status === 429)
      throw new Problem(
        "unreachable",
        `${url} answers ${answer.status}: what it knows is not told`,
      );
    const bytes = answer.ok ? await answer.bytes() : null;
    if (!answer.ok) await answer.body?.cancel();
    return bytes && bytes.length <= LONGEST ? bytes : null;
  };
}
