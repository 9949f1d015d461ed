// Certificates made in a test, by openssl: an authority of its own each time, and a server's certificate that it signed.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KeyPair } from "../../src/core/certificate.ts";
import { removeTemp, tempFolder } from "./temp.ts";

export interface TestCertificate {
  /** PEM: what clients are to trust. */
  authority: string;
  pair: KeyPair;
  /** The key under the passphrase that was asked for. */
  locked?: string;
}

/** `names`: host names and addresses. */
export function makeCertificate(
  names: readonly string[],
  days: number,
  { passphrase }: { passphrase?: string } = {},
): TestCertificate {
  const folder = tempFolder("certificate");
  const openssl = (...args: string[]) => {
    const { status, stderr } = spawnSync("openssl", args, { cwd: folder });
    if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr ?? "is not there"}`);
  };
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  try {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const authority = ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test authority"];
    openssl("req", "-x509", ...key, ...authority, "-days", "365");
    openssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=Test");
    const told = names.map((name) => `${/^[\d.:]+$/.test(name) ? "IP" : "DNS"}:${name}`).join(",");
    writeFileSync(join(folder, "names"), `subjectAltName=${told}\n`);
    const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"];
    const made = ["-in", "server.csr", "-out", "server.pem", "-days", String(days)];
    openssl("x509", "-req", ...made, ...signer);
    const pair = { certificate: read("server.pem"), key: read("server.key") };
    if (passphrase === undefined) return { authority: read("ca.pem"), pair };
    const lock = ["-in", "server.key", "-out", "locked.key", "-passout", `pass:${passphrase}`];
    openssl("pkey", "-aes256", ...lock);
    return { authority: read("ca.pem"), pair, locked: read("locked.key") };
  } finally {
    removeTemp(folder);
  }
}
