// `holdfast ledger key|prove|verify`: receipts of what was pinned, for who has neither server nor database.
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Config } from "../config/resolve.ts";
import type { Format } from "../core/format.ts";
import { printable } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import { readFollowedLog } from "../follow/log.ts";
import { proofsOf } from "../jobs/proofs.ts";
import { type PinProof, type ProvingLog, readLog, readReceipt } from "../ledger/log/prove.ts";
import { ruledRepository } from "../policy/rules.ts";
import { openLog } from "../server/files.ts";
import { openLogFiles } from "../store/log-files.ts";
import { hashFile } from "../store/sink.ts";
import { type Command, UsageError } from "./arguments.ts";
import { configFrom, configOptions } from "./options.ts";
import { readStore, requireStore } from "./store.ts";
import type { Terminal } from "./terminal.ts";

export function receiptCommands(deps: { formats: readonly Format[] }): Command[] {
  const options = { config: configOptions.config, data: configOptions.data };
  return [
    {
      name: "ledger key",
      summary: "Print the key that verifies the log's checkpoints and receipts",
      options,
      details: "One line, as Go's note package writes keys of verifiers. It is no secret.",
      async run(given, terminal) {
        const { verifier } = await logOf(configFrom(given, deps.formats, terminal));
        terminal.out(`${verifier}\n`);
        return 0;
      },
    },
    {
      name: "ledger prove",
      words: "PURL",
      summary: "Write a receipt that a release was pinned here with its digest",
      options: {
        ...options,
        repository: { value: "NAME", help: "Only of this repository" },
        out: { value: "DIR", help: "Write a file for each file of the release: FILE.tlog-proof" },
      },
      details: `A receipt (c2sp.org/tlog-proof) is checked by whoever has the log's key (\`ledger key\`), without this server: that the file's digest stands in
the log that the server signed. Without --out the receipt of one file is printed; PURL#FILE says which, where a release has several. Works while the server runs.`,
      examples: [["ledger prove pkg:npm/left-pad@1.3.0 > left-pad.tlog-proof", "For an auditor"]],
      async run(given, terminal) {
        const config = configFrom(given, deps.formats, terminal);
        const [purl] = given.words as [string];
        const repositories = config.repositories.map((one) => {
          const format = deps.formats.find(({ name }) => name === one.format)!;
          return ruledRepository(one.name, format);
        });
        const log = await logOf(config);
        const asked = { purl, repository: given.text("repository") };
        const proofs = await readStore(config, ({ database }) =>
          proofsOf(log, database.read, repositories, asked),
        );
        return give(proofs, given.text("out"), terminal);
      },
    },
    {
      name: "ledger verify",
      words: "FILE",
      summary: "Check a receipt, with the key of the log and nothing else",
      options: {
        key: { value: "KEY", help: "The log's key, or a file that holds it (needed)" },
        bytes: { value: "FILE", help: "The file itself: is it the one that was pinned?" },
      },
      details: `Says what the receipt proves. Exit code 1 when it does not hold: it is not signed with the key, leads to another root, or is about another file
than --bytes.`,
      examples: [
        [
          "ledger verify left-pad.tlog-proof --key server.key --bytes left-pad-1.3.0.tgz",
          "Offline, on another machine",
        ],
      ],
      async run(given, terminal) {
        const key = given.text("key");
        if (key === undefined)
          throw new UsageError("ledger verify needs --key, which `holdfast ledger key` prints");
        const text = textAt(terminal, given.words[0]!);
        const receipt = readReceipt(
          text,
          existsSync(resolve(terminal.cwd, key)) ? textAt(terminal, key) : key,
        );
        const { said, index, size, origin } = receipt;
        terminal.out(
          printable(
            `${said["file"]} of ${said["package"]} (${said["repository"]}) was pinned to sha256 ${said["sha256"]}, ${said["size"]} bytes, first seen ${timeOf(said["firstSeen"])} at ${said["upstream"]}`,
          ),
        );
        terminal.out(`\nleaf ${index} of ${size}, signed by ${origin}\n`);
        const bytes = given.text("bytes");
        if (bytes === undefined) return 0;
        const found = await hashFile(resolve(terminal.cwd, bytes));
        if (found === said["sha256"]) {
          terminal.out(`${bytes} is that file\n`);
          return 0;
        }
        terminal.err(`${bytes} is another file: its sha256 is ${found}\n`);
        return 1;
      },
    },
  ];
}

/** The log of a data directory, also beside a running server; of a follower the primary's. Throws Problem("notFound") where there is none. */
export async function logOf(config: Config): Promise<ProvingLog> {
  const layout = requireStore(config);
  const { follow } = config;
  if (!follow) return readLog(openLog(config, layout));
  const files = openLogFiles(layout.followed);
  return readStore(config, ({ database }) => readFollowedLog(files, follow.key, database.read));
}

async function give(
  proofs: readonly PinProof[],
  out: string | undefined,
  terminal: Terminal,
): Promise<number> {
  if (out !== undefined) {
    const folder = resolve(terminal.cwd, out);
    await mkdir(folder, { recursive: true });
    for (const { repository, file, index, proof } of proofs) {
      // The same file may be in several repositories, and a file's name may have folders.
      const several = proofs.some((one) => one.repository !== repository);
      const name = `${several ? `${repository}-` : ""}${file.replaceAll("/", "-")}.tlog-proof`;
      await writeFile(join(folder, name), proof);
      terminal.out(printable(`${name}: leaf ${index}`).concat("\n"));
    }
    return 0;
  }
  if (proofs.length === 1) {
    terminal.out(proofs[0]!.proof);
    return 0;
  }
  const names = proofs.map(({ repository, file }) => `${repository} #${file}`).join(", ");
  throw new UsageError(
    `there are ${proofs.length} receipts: --out DIR takes all of them, --repository and PURL#FILE one (${names})`,
  );
}

function textAt(terminal: Terminal, path: string): string {
  try {
    return readFileSync(resolve(terminal.cwd, path), "utf8");
  } catch (error) {
    throw new Problem("notFound", `${path} cannot be read: ${(error as Error).message}`);
  }
}

function timeOf(time: unknown): string {
  return typeof time === "number" && Math.abs(time) <= 8.64e15
    ? new Date(time).toISOString()
    : "some time";
}
