// The option `trustRoot` of formats whose releases are attested: a file, read with the configuration.
import { createPublicKey, X509Certificate } from "node:crypto";
import { z } from "zod";
import type { OptionFile } from "../core/format.ts";

/** The text of a `trusted_root.json`, once what it names was found to be certificates and keys. */
export const trustRootOption = z
  .custom<OptionFile>()
  .transform(({ path, bytes }, context): string => {
    const text = Buffer.from(bytes).toString("utf8");
    try {
      check(JSON.parse(text));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      context.addIssue({ code: "custom", message: `${path} is no trust root of Sigstore: ${why}` });
    }
    return text;
  })
  .optional()
  .describe(
    "File with the trust root that attestations are verified with: a `trusted_root.json`, of a newer day or of a Sigstore of your own. Without it the public instance's, as it was when this version of Holdfast was made",
  )
  .meta({ examples: ["trusted_root.json"] });

/** Strictly enough that a file which passes can be used: what the library makes of it is found out in a thread, later. */
const Base64 = z.base64().transform((value) => Buffer.from(value, "base64"));
const Log = z.object({ publicKey: z.object({ rawBytes: Base64 }) });
const Authority = z.object({
  certChain: z.object({ certificates: z.array(z.object({ rawBytes: Base64 })).min(1) }),
});
const Root = z.object({
  certificateAuthorities: z.array(Authority).min(1),
  tlogs: z.array(Log).min(1),
  ctlogs: z.array(Log).min(1),
});

function check(json: unknown): void {
  const root = Root.safeParse(json);
  if (!root.success) {
    const [issue] = root.error.issues;
    throw new TypeError(`${issue!.path.join(".") || "it"}: ${issue!.message}`);
  }
  for (const { publicKey } of [...root.data.tlogs, ...root.data.ctlogs])
    createPublicKey({ key: publicKey.rawBytes, format: "der", type: "spki" });
  for (const { certChain } of root.data.certificateAuthorities)
    for (const { rawBytes } of certChain.certificates) new X509Certificate(rawBytes);
}
