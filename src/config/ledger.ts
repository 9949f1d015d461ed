// `ledger:`, who watches the append-only log of this server, and whose log it watches.
import { z } from "zod";
import { parseCosignerKey } from "../proof/cosignature.ts";
import { parseVerifierKey } from "../proof/verifier.ts";
import type { SecretReader } from "./login-resolve.ts";
import { Duration, HttpUrl, Path, ProxyUrl } from "./values.ts";

const Witness = z
  .strictObject({
    url: HttpUrl.describe(
      "Where checkpoints are shown to it: of another Holdfast `https://HOST/-/log/witness`, else its submission prefix",
    ).meta({ examples: ["https://other.example.com/-/log/witness"] }),
    key: z
      .string()
      .refine(
        (text) => parseCosignerKey(text) !== null,
        "expected the key of an Ed25519 witness, as /-/log/witness/key gives it",
      )
      .describe(
        "What verifies its signatures: the line at `/-/log/witness/key` of another Holdfast",
      )
      .meta({ examples: ["witness-1a2b3c4d+…"] }),
    ca: Path.optional()
      .describe("PEM file with its certificate authority, beside the system's own")
      .meta({ examples: ["/etc/ssl/company.pem"] }),
    proxy: ProxyUrl.optional()
      .describe("An HTTP or SOCKS5 proxy on the way to it")
      .meta({ examples: ["http://proxy.example.com:3128"] }),
    timeout: Duration.refine((ms) => ms > 0, "must be longer than 0s")
      .prefault("10s")
      .describe("How long it may take for its answer")
      .meta({ examples: ["30s"] }),
  })
  .meta({ id: "Witness", title: "witness" });

export const Ledger = z
  .strictObject({
    witnesses: z
      .array(Witness)
      .default([])
      .describe(
        "Who is shown each checkpoint of this server's log, and signs that it goes on from the one before",
      ),
    witnessOf: z
      .array(
        z
          .string()
          .refine(
            (text) => parseVerifierKey(text) !== null,
            "expected the key of a log, as /-/log/key gives it",
          ),
      )
      .default([])
      .describe(
        "Keys of the logs that this server is a witness of: the line at `/-/log/key` of each other Holdfast",
      )
      .meta({ examples: [["holdfast-1a2b3c4d+…"]] }),
  })
  .prefault({})
  .describe(
    "Who watches this server's append-only log, and whose log it watches. docs/log.md tells more",
  );

export interface WitnessConfig {
  url: string;
  /** Of a cosigner, that can be read. */
  key: string;
  ca?: string;
  proxy?: string;
  timeoutMs: number;
}

export interface LedgerConfig {
  witnesses: WitnessConfig[];
  /** Keys of logs, that can be read. */
  witnessOf: string[];
}

export function resolveLedger(
  { witnesses, witnessOf }: z.infer<typeof Ledger>,
  { pem }: Pick<SecretReader, "pem">,
): LedgerConfig {
  return {
    witnesses: witnesses.map(({ url, key, ca, proxy, timeout }, at) => {
      const authority = ca === undefined ? undefined : pem(ca, ["ledger", "witnesses", at, "ca"]);
      return {
        url: url.replace(/\/+$/, ""),
        key,
        timeoutMs: timeout,
        ...(authority && { ca: authority }),
        ...(proxy && { proxy }),
      };
    }),
    witnessOf,
  };
}
