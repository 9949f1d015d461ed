// `holdfast verify`: are the stored bytes still the ones that were verified when they came?

import type { Config } from "../config/resolve.ts";
import type { FormatOptions } from "../config/schema.ts";
import { type Damage, discard, type VerifyResult, verify } from "../jobs/verify.ts";
import type { Command } from "./arguments.ts";
import { configFrom, configOptions } from "./options.ts";
import { createProgress, type Progress } from "./progress.ts";
import { holdStore, type ReadStore, readStore } from "./store.ts";
import { humanSize, paint, type Terminal } from "./terminal.ts";

export interface VerifyDeps {
  formats: readonly FormatOptions[];
  /** Asks a repository for a path as a client would; resolves to an error for people, or null. */
  fetchAgain(
    config: Config,
    wanted: { repository: string; path: string }[],
  ): Promise<(string | null)[]>;
}

export function verifyCommand({ formats, fetchAgain }: VerifyDeps): Command {
  return {
    name: "verify",
    summary: "Re-hash everything stored and say what is damaged",
    options: {
      config: configOptions.config,
      data: configOptions.data,
      offline: configOptions.offline,
      repair: { help: "Remove what is damaged and fetch it again; needs the server stopped" },
    },
    details: `Reads every stored file and compares it with its digest in the catalog. Exit code 1 when something is damaged and
was not repaired. What is fetched again must have the very bytes that were seen first.`,
    async run(given, terminal) {
      const config = configFrom(given, formats, terminal);
      const { damaged, views } = given.on("repair")
        ? await holdStore(config, async (store) => {
            const found = await checkStore(store, terminal);
            await discard(store, found);
            return found;
          })
        : await readStore(config, (store) => checkStore(store, terminal));
      if (damaged.length + views.damaged.length === 0) return 0;
      if (!given.on("repair")) {
        terminal.out("`holdfast verify --repair` fetches damaged files again.\n");
        return 1;
      }
      if (views.damaged.length > 0)
        terminal.out(
          `${views.damaged.length} damaged view(s) removed: rendered when next asked for.\n`,
        );
      return repair(config, damaged, fetchAgain, terminal);
    },
  };
}

export async function checkStore(store: ReadStore, terminal: Terminal): Promise<VerifyResult> {
  let bar: Progress | null = null;
  const result = await verify(store, (done, total) => {
    bar ??= createProgress(terminal, "Verifying", { total, unit: "files" });
    bar.at(done);
  });
  (bar as Progress | null)?.end();
  for (const { what, repository, subject, isHosted } of result.damaged) {
    const note = isHosted ? ": published here, so only a backup has it" : "";
    terminal.out(`${paint(terminal, "red", what.padEnd(10))} ${repository}  ${subject}${note}\n`);
  }
  for (const path of result.views.damaged)
    terminal.out(`${paint(terminal, "red", "altered   ")} view  ${path}\n`);
  const { files, bytes, damaged, views } = result;
  const bad = damaged.length + views.damaged.length;
  terminal.out(
    `${(files + views.files).toLocaleString("en-US")} files, ${humanSize(bytes)}: ${bad === 0 ? "all true to their digests" : `${bad} damaged`}.\n`,
  );
  return result;
}

async function repair(
  config: Config,
  damaged: Damage[],
  fetchAgain: VerifyDeps["fetchAgain"],
  terminal: Terminal,
): Promise<number> {
  const wanted = damaged.flatMap(({ repository, path }) =>
    path === null ? [] : [{ repository, path }],
  );
  const failures = wanted.length > 0 ? await fetchAgain(config, wanted) : [];
  let failed = 0;
  for (const [at, failure] of failures.entries()) {
    const { repository, path } = wanted[at]!;
    if (failure === null)
      terminal.out(`${paint(terminal, "green", "repaired")} ${repository}  ${path}\n`);
    else {
      failed += 1;
      terminal.out(`${paint(terminal, "red", "failed  ")} ${repository}  ${path}: ${failure}\n`);
    }
  }
  const hosted = damaged.filter(({ isHosted }) => isHosted).length;
  if (hosted > 0)
    terminal.err(
      `${hosted} file(s) that were published here are lost. Copy their blobs from a backup, or publish the very same bytes again.\n`,
    );
  const documents = damaged.length - wanted.length - hosted;
  if (documents > 0)
    terminal.out(`${documents} damaged document(s) removed: fetched when next asked for.\n`);
  return failed + hosted > 0 ? 1 : 0;
}
