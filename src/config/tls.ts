// The certificate that the configuration names: read and examined when it is loaded, and again while the server runs.
import { readFileSync } from "node:fs";
import { resolve as resolvePath } from "node:path";
import { examine, type KeyPair } from "../core/certificate.ts";
import { reason, type Surroundings, type TlsConfig } from "./resolve.ts";

/** Null when it cannot be used: then it was complained of. */
export function resolveTls(
  input: KeyPair,
  { folder, complain }: Pick<Surroundings, "folder" | "complain">,
): TlsConfig | null {
  const files = {
    certificate: resolvePath(folder, input.certificate),
    key: resolvePath(folder, input.key),
  };
  const read = readTls(files);
  if (!("fault" in read)) return read;
  for (const { of, message } of read.fault) complain(["tls", of], message);
  return null;
}

/** What the files hold now, or all that is wrong with them. */
export function readTls(
  files: KeyPair,
): TlsConfig | { fault: { of: keyof KeyPair; message: string }[] } {
  const fault: { of: keyof KeyPair; message: string }[] = [];
  const read = (of: keyof KeyPair) => {
    try {
      return readFileSync(files[of], "utf8");
    } catch (error) {
      fault.push({ of, message: `cannot read ${files[of]}: ${reason(error)}` });
      return "";
    }
  };
  const pair = { certificate: read("certificate"), key: read("key") };
  if (fault.length > 0) return { fault };
  const facts = examine(pair);
  if ("why" in facts)
    return { fault: [{ of: facts.of, message: `${files[facts.of]} ${facts.why}` }] };
  return { ...facts, files, pair };
}
