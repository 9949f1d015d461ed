// Receipts of the append-only log; its audit is an operation, and its files stand below /-/log/.
import { z } from "zod";
import { proofsOf } from "../jobs/proofs.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofReaders } from "./endpoint.ts";
import { Name } from "./schemas.ts";

const Proof = z
  .object({
    repository: z.string(),
    package: z.string(),
    file: z.string(),
    sha256: z.string(),
    index: z.number().int().describe("The leaf, from 0"),
    proof: z
      .string()
      .describe("The receipt, as a file: c2sp.org/tlog-proof@v1, with the leaf as its extra data"),
  })
  .meta({ id: "LogProof" });

export function ledgerEndpoints({ ledgerLog, database, policed }: ApiDeps) {
  return [
    endpoint({
      tag: "records",
      command: "ledger prove",
      method: "GET",
      path: "/log/proofs",
      summary:
        "Receipts that the files of a release are pinned in the log, of what the caller may read",
      access: ofReaders,
      query: z.object({
        of: Name.describe("A purl with a version: pkg:npm/left-pad@1.3.0, with #file for one file"),
        repository: Name.optional(),
      }),
      status: 200,
      result: z.object({ key: z.string().describe("What verifies them"), items: z.array(Proof) }),
      async run({ query: { of: purl, repository }, grant }) {
        const items = await proofsOf(ledgerLog, database.read, policed, {
          purl,
          repository,
          mayRead: (name, packageName) => grant.may(name, "read", packageName),
        });
        return { key: ledgerLog.verifier, items };
      },
    }),
  ];
}
