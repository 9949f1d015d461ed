// Receipts of the append-only log; its audit is an operation, and its files stand below /-/log/.
import { z } from "zod";
import { proofsOf } from "../jobs/proofs.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint } from "./endpoint.ts";

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
      tag: "packages",
      command: "ledger prove",
      method: "GET",
      path: "/repositories/{repository}/packages/{package}/releases/{version}/proofs",
      summary: "Receipts that the files of a release are pinned in the log",
      access: ({ repository, package: name }) => ({
        action: "read",
        package: name ?? null,
        repository: repository!,
      }),
      status: 200,
      result: z.object({ key: z.string().describe("What verifies them"), items: z.array(Proof) }),
      async run({ params }) {
        const { repository = "", package: name = "", version = "" } = params;
        const repositories = policed.filter((one) => one.name === repository);
        const type = repositories[0]?.purlType;
        const purl = `pkg:${type}/${encodeURIComponent(name)}@${encodeURIComponent(version)}`;
        const items = await proofsOf(ledgerLog, database.read, repositories, { purl });
        return { key: ledgerLog.verifier, items };
      },
    }),
  ];
}
