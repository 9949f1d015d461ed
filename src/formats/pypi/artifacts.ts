// What a file of a project must be where its page tells no digest of it: by its name, an archive to its end, or a sidecar.
import { checkTar, checkZip } from "../../archive/check.ts";
import { parseJson } from "../../core/answers.ts";
import type { ArtifactType, RandomAccess } from "../../core/artifact.ts";
import { Problem } from "../../core/problem.ts";
import { isObject } from "./json.ts";

/** Forerunners of wheels that are no archives that could be read here: how they begin. Their end is told by the transfer alone. */
const BEGINNINGS: Record<string, string> = {
  exe: "MZ",
  msi: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
  rpm: "\xed\xab\xee\xdb",
  deb: "!<arch>\ndebian",
  "tar.z": "\x1f\x9d",
};
/** A disk image has its mark at its end: 512 bytes that begin so. */
const DMG = "koly";
const SIDECAR_LIMIT = 16 * 2 ** 20;
const KINDS =
  /\.(whl|egg|zip|exe|msi|rpm|deb|dmg|tar\.z|tar|tgz|tbz2?|txz|tar\.(?:gz|bz2|xz|lzma))$/i;
const TARS: Record<string, string> = {
  tgz: "tar.gz",
  tbz: "tar.bz2",
  tbz2: "tar.bz2",
  txz: "tar.xz",
};

export const artifacts: Record<
  "distribution" | "metadata" | "signature" | "provenance",
  ArtifactType
> = {
  distribution: {
    isReadInParts: true,
    async check(file, { file: name }) {
      const kind = KINDS.exec(name)?.[1]?.toLowerCase();
      if (kind === undefined) throw bad(name, "a distribution");
      if (["whl", "egg", "zip"].includes(kind)) return checkZip(file);
      const beginning = BEGINNINGS[kind];
      if (kind === "dmg") return mustHave(file, file.size - 512, DMG, name);
      if (beginning !== undefined) return mustHave(file, 0, beginning, name);
      await checkTar(file, `.${TARS[kind] ?? kind}`);
    },
  },
  /** PEP 658, and the core metadata specification: the first field is Metadata-Version, as all writers have it. */
  metadata: {
    async check(file, { file: name }) {
      const text = await textOf(file, name);
      const [header = ""] = text.split(/\r?\n\r?\n/, 1);
      const fields = header.split(/\r?\n/).filter((line) => !/^[ \t]/.test(line));
      const has = (field: string) => fields.some((line) => line.toLowerCase().startsWith(field));
      if (!has("metadata-version:") || !has("name:") || !has("version:"))
        throw bad(name, "core metadata");
    },
  },
  /** PEP 740; only what was published here. */
  provenance: {
    async check(file, { file: name }) {
      if (!isProvenance(Buffer.from(await textOf(file, name))))
        throw bad(name, "a provenance object");
    },
  },
  /** RFC 9580 §6.2 */
  signature: {
    async check(file, { file: name }) {
      const text = (await textOf(file, name)).trim();
      const isArmoured =
        text.startsWith("-----BEGIN PGP SIGNATURE-----") &&
        text.endsWith("-----END PGP SIGNATURE-----");
      if (!isArmoured) throw bad(name, "a signature");
    },
  },
};

/** An answer of 200 that is no provenance object (a login page) must not replace one that is. */
export function isProvenance(bytes: Uint8Array): boolean {
  const value = parseJson(bytes);
  return isObject(value) && Array.isArray(value["attestation_bundles"]);
}

async function mustHave(
  file: RandomAccess,
  offset: number,
  text: string,
  name: string,
): Promise<void> {
  const found = offset < 0 ? new Uint8Array() : await file.read(offset, text.length);
  if (Buffer.from(found).toString("latin1") !== text) throw bad(name, "what its name says");
}

async function textOf(file: RandomAccess, name: string): Promise<string> {
  if (file.size > SIDECAR_LIMIT) throw bad(name, "a sidecar of that size");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.read(0, file.size));
  } catch {
    throw bad(name, "text");
  }
}

function bad(name: string, what: string): Problem {
  return new Problem("malformed", `${name} is not ${what}`);
}
