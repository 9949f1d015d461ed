// Digests of the bytes that are held here for files, in the algorithms in which a document now tells one: what it says is proven before clients see it.
import { createHash } from "node:crypto";
import type { DocumentRef, Fact } from "../../core/document.ts";
import {
  formatIntegrity,
  type Integrity,
  integrityFromHex,
  parseIntegrity,
} from "../../core/integrity.ts";
import { type Pin, readPins } from "../../ledger/pins.ts";
import type { Blobs } from "../../store/blobs.ts";
import type { Database } from "../../store/database.ts";
import { openRandom } from "../../store/sink.ts";
import { isWhole } from "../local.ts";

/** Digests of a whole file as it stands. Those of a format's own are told by no document. */
const PLAIN = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];
const PIECE = 1024 * 1024;

export interface HeldDeps {
  repository: string;
  database: Database;
  blobs: Blobs;
}

/** By the name that the document has for the file. Files of which nothing is held, or of which it is not sound, are left out. */
export type Held = (ref: DocumentRef, facts: readonly Fact[]) => Promise<Map<string, Integrity>>;

/** Bytes are read one file after the other: a document that tells new digests of a thousand waits for them, and nobody else does. */
export function createHeld({ repository, database, blobs }: HeldDeps): Held {
  let turn: Promise<unknown> = Promise.resolve();

  return async function held(ref, facts) {
    const found = new Map<string, Integrity>();
    const of = ({ file, artifact }: Fact) => artifact ?? { package: ref.package, file };
    for (const [name, some] of Map.groupBy(facts, (fact) => of(fact).package)) {
      const files = some.map((fact) => of(fact).file);
      const pins = await readPins(database.read, repository, name, files);
      for (const fact of some) {
        const pin = pins.get(of(fact).file);
        const digests = pin && (await digestsOf(pin, fact.integrity!));
        if (digests) found.set(fact.file, digests);
      }
    }
    return found;
  };

  /** In the algorithms of `wanted` that can be told; null when none can. */
  async function digestsOf(pin: Pin, wanted: Integrity): Promise<Integrity | null> {
    const known = parseIntegrity(`${integrityFromHex("sha256", pin.sha256)} ${pin.digests ?? ""}`);
    const asked = [...parseIntegrity(wanted).keys()];
    const unknown = asked.filter((one) => !known.has(one) && PLAIN.includes(one));
    if (unknown.length > 0)
      for (const [algorithm, base64] of await inTurn(pin, unknown)) known.set(algorithm, base64);
    return formatIntegrity(new Map([...known].filter(([one]) => asked.includes(one)))) || null;
  }

  function inTurn(pin: Pin, algorithms: string[]): Promise<Map<string, string>> {
    const result = turn.then(() => hash(pin, algorithms));
    turn = result.catch(() => {});
    return result;
  }

  /** Nothing of bytes that are lost, or are not what was pinned. */
  async function hash(pin: Pin, algorithms: string[]): Promise<Map<string, string>> {
    if (!(await isWhole(blobs, pin.sha256, pin.size))) return new Map();
    const hashes = new Map(["sha256", ...algorithms].map((one) => [one, createHash(one)]));
    const path = await blobs.local(pin.sha256);
    const file = path === null ? null : await openRandom(path).catch(() => null); // removed this moment
    if (!file) return new Map();
    try {
      for (let at = 0; at < file.size; at += PIECE) {
        const piece = await file.read(at, PIECE);
        for (const one of hashes.values()) one.update(piece);
      }
    } finally {
      await file.close();
    }
    const digests = new Map([...hashes].map(([one, made]) => [one, made.digest("base64")]));
    const isSound = `sha256-${digests.get("sha256")}` === integrityFromHex("sha256", pin.sha256);
    return isSound ? digests : new Map();
  }
}
