// Between a repository and its checksum database: what is expected of a module's files, and who may be asked.

import { cannotAsk, Problem } from "../../core/problem.ts";
import type { Answer } from "../../core/question.ts";
import type { OwnRepository } from "../../core/repository.ts";
import { parseVerifierKey } from "../../proof/verifier.ts";
import { encodeSegment, escapeCase, matchesPrefix } from "./names.ts";
import type { GoOptions } from "./options.ts";
import { createClient, FROZEN, LATEST, type SumdbClient } from "./sumdb/client.ts";
import type { Operations } from "./sumdb/operations.ts";
import type { DatabaseRecord } from "./sumdb/texts.ts";

type Database = Exclude<GoOptions["sumdb"], false>;
type Own = OwnRepository<GoOptions>;

const ANSWER_LIMIT = 2 ** 20;

/** What a repository's checksum database says, and who is not asked about. */
export interface Checksums {
  /** Its client; null when the checksum database is switched off. */
  readonly client: SumdbClient | null;
  /** True for modules that are no business of a public database's: claimed here, or named by `noSumdb`. */
  isPrivate(module: string): boolean;
  /** Throws Problem("tampered") while the database is known to have forked: the one thing that a file without a checksum waits for. */
  assertIngest(): Promise<void>;
  /**
   * What the database expects of a module's zip or go.mod; null when it is not asked or, after calling `unknown`, when it has no
   * record. Throws when it cannot be asked or does not prove what it says: nothing comes to rest unverified.
   */
  expected(
    module: string,
    version: string,
    kind: "zip" | "mod",
    unknown: () => void,
  ): Promise<string | null>;
  /**
   * Lets modules in again after a fork, once an operator has found out which tree is right; false when nothing was frozen. With `restart`
   * the stored tree head is forgotten too, for when the stored one was the wrong one: the next head that the database signs is then believed.
   */
  unfreeze(restart: boolean): Promise<boolean>;
}

function keyPrefix(database: Database): string {
  return `sumdb/${database.name}`;
}

/** The bytes of an answer; null for "not here". Any other status says nothing about that and is thrown. */
export function bytesOf(answer: Answer, what: string): Uint8Array | null {
  if (answer.status === 200) return answer.bytes;
  if (answer.status === 404 || answer.status === 410) return null;
  const kind = [401, 403, 451].includes(answer.status) ? "refused" : "unreachable";
  throw new Problem(kind, `${answer.upstream} answered ${answer.status} for ${what}`);
}

function operationsOf(repository: Own, database: Database): Operations {
  const ask = async (path: string, module: string | null, at = base) => {
    const question = { path: `${at}/${path}`, package: module, limit: ANSWER_LIMIT };
    return bytesOf(await repository.ask(question), `${path} of ${database.name}`);
  };
  const base = database.url?.replace(/\/+$/, "") ?? keyPrefix(database);
  const direct = database.direct?.replace(/\/+$/, "") ?? null;
  const prefix = keyPrefix(database);
  let supported: Promise<boolean> | null = null;

  /** An upstream that proxies no database says 404 to every lookup, which must not be taken for "this module is not in it". */
  function isSupported(): Promise<boolean> {
    if (database.url) return Promise.resolve(true);
    supported ??= askSupported()
      .then((isSupported) => {
        if (!isSupported) supported = null;
        return isSupported;
      })
      .catch((error) => {
        supported = null;
        throw error;
      });
    return supported;
  }

  /** What it said last, while it cannot be asked: its no to a lookup is then no more than it said before, either. */
  async function askSupported(): Promise<boolean> {
    const key = `${prefix}/supported`;
    try {
      const bytes = await ask("supported", null);
      if (bytes && !(await repository.kept(key))) await repository.keep(key, Buffer.from("yes"));
      return bytes !== null;
    } catch (error) {
      if (cannotAsk(error) && (await repository.kept(key))) return true;
      throw error;
    }
  }

  return {
    async fetch(path, module) {
      const bytes = await ask(path, module);
      if (bytes) return bytes;
      if (direct !== null && direct !== base) return ask(path, module, direct);
      if (await isSupported()) return null;
      throw new Problem(
        "unreachable",
        `The upstream of ${repository.name} does not answer for the checksum database ${database.name}: set sumdb.url, or sumdb: false`,
      );
    },
    async stored(key) {
      const value = await repository.kept(`${prefix}/${key}`);
      return value && value.bytes.length > 0 ? value.bytes : null;
    },
    store: (key, bytes) =>
      repository.keep(`${prefix}/${key}`, typeof bytes === "string" ? Buffer.from(bytes) : bytes),
    swap: (key, bytes, previous) => repository.swap(`${prefix}/${key}`, bytes, previous),
    heard: repository.heard,
    forked(evidence) {
      repository.report({
        kind: "fork",
        package: database.name,
        message: `The checksum database ${database.name} signed two trees that contradict each other; no new Go module is taken in until an operator has looked`,
        detail: { ...evidence },
      });
    },
    now: () => repository.now(),
  };
}

/** Where a database has a module's record: escaped as in a GOPROXY. */
export function lookupPath(module: string, version: string): string {
  return `lookup/${escapeCase(module)}@${encodeSegment(escapeCase(version))}`;
}

function hashIn(record: DatabaseRecord, start: string): string | null {
  for (const line of record.text.split("\n")) {
    const hash =
      line.startsWith(start) && /^h1:([A-Za-z0-9+/]{43}=)$/.exec(line.slice(start.length));
    if (hash) return hash[1]!;
  }
  return null;
}

/** Its client is made once, and again after it was frozen. */
export function createChecksums(repository: Own): Checksums {
  const { sumdb: database, noSumdb, requireSumdb } = repository.options;
  const verifier = database ? parseVerifierKey(database.key) : null;
  if (database && !verifier)
    throw new Problem("internal", "The checksum database's key is not one");
  const open = () =>
    database && verifier ? createClient(verifier, operationsOf(repository, database)) : null;
  let client = open();

  const isPrivate = (module: string) => repository.claims(module) || matchesPrefix(noSumdb, module);

  return {
    get client() {
      return client;
    },
    isPrivate,
    assertIngest: async () => client?.assertNotForked(),
    async expected(module, version, kind, unknown) {
      if (!client) return null;
      await client.assertNotForked();
      if (isPrivate(module)) return null;
      const record = await client.record(lookupPath(module, version), module, version);
      if (!record) {
        if (requireSumdb)
          throw new Problem(
            "blocked",
            `${module}@${version} is not in the checksum database ${client.name}, and this repository requires that (requireSumdb)`,
            { rule: "requireSumdb" },
          );
        unknown();
        return null;
      }
      const hash = hashIn(record, `${module} ${version}${kind === "mod" ? "/go.mod" : ""} `);
      if (!hash)
        throw new Problem(
          "tampered",
          `${client.name} has a record of ${module}@${version} without its h1`,
        );
      return kind === "mod" ? `h1mod-${hash}` : `h1-${hash}`;
    },
    async unfreeze(restart) {
      if (!database) return false;
      const frozen = await repository.kept(`${keyPrefix(database)}/${FROZEN}`);
      if (!frozen || frozen.bytes.length === 0) return false; // a tree that nobody doubts is not thrown away
      for (const key of restart ? [FROZEN, LATEST] : [FROZEN])
        await repository.keep(`${keyPrefix(database)}/${key}`, new Uint8Array(0));
      client = open();
      return true;
    },
  };
}
