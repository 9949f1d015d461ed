// Looks at the certificate's files again and again: a new one is shown to clients without a restart.
import { isDeepStrictEqual } from "node:util";
import type { TlsConfig } from "../config/resolve.ts";
import { readTls } from "../config/tls.ts";
import type { KeyPair } from "../core/certificate.ts";
import type { Log } from "../core/log.ts";
import type { RecurringJob } from "../jobs/runner.ts";

const LOOK_MS = 5_000;

export interface CertificateDeps {
  /** What is shown now; null without TLS. */
  current(): TlsConfig | null;
  /** Shows another from now on. Throws when that cannot be done. */
  use(tls: TlsConfig): void;
  log: Log;
}

/** Two files are written one after the other: what they hold counts once it is the same at two looks. A wrong one is told once. */
export function watchCertificate({ current, use, log }: CertificateDeps): RecurringJob {
  let seen = "";
  let settled = "";

  function tell(files: KeyPair, why: string): void {
    const message = "The new certificate cannot be used, the one before stays";
    log.write("error", `${message}: ${why}`, { ...files });
  }

  return {
    name: "Looking at the certificate",
    everyMs: LOOK_MS,
    async run() {
      const now = current();
      if (!now) return;
      const found = readTls(now.files);
      const text = JSON.stringify("fault" in found ? found.fault : found.pair);
      const isSame = text === seen;
      seen = text;
      if (!isSame || text === settled) return;
      settled = text;
      if ("fault" in found)
        return tell(now.files, found.fault.map((one) => one.message).join("; "));
      if (isDeepStrictEqual(found.pair, now.pair)) return;
      const { endsAt, names } = found;
      try {
        use(found);
        log.write("info", "The certificate has changed, and the new one is shown", {
          names,
          ends: new Date(endsAt).toISOString(),
        });
      } catch (error) {
        tell(now.files, String(error));
      }
    },
  };
}
