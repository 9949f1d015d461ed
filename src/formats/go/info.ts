// What a proxy says of one revision: @latest, and .info of a branch, a commit or a version. https://go.dev/ref/mod#goproxy-protocol
import type { DocumentRef, DocumentType } from "../../core/document.ts";
import { jsonFault } from "../../core/json.ts";
import { blockedBy, withholdingOf } from "../../core/policy.ts";
import { Problem } from "../../core/problem.ts";
import { zipFile } from "./list.ts";
import { modulePath, versionPath } from "./names.ts";
import { canonical, highest } from "./version.ts";

/** As cmd/go's `RevInfo`: everything but Version is optional. */
export interface RevisionInfo {
  Version: string;
  /** RFC 3339. Set by the commit's author, so not to be trusted. */
  Time?: string;
  Origin?: Record<string, string>;
}

export const INFO_LIMIT = 64 * 1024;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const ORIGIN_FIELDS = ["VCS", "URL", "Subdir", "Hash", "TagPrefix", "TagSum", "Ref", "RepoSum"];

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Throws Problem("malformed") when the value says nothing of a revision. */
export function parseInfo(value: unknown, what: string): RevisionInfo {
  const version = isObject(value) ? value["Version"] : undefined;
  if (!isObject(value) || typeof version !== "string" || canonical(version) === null)
    throw new Problem("malformed", `The upstream's answer for ${what} names no version`);
  const info: RevisionInfo = { Version: version };
  const time = value["Time"];
  if (typeof time === "string" && RFC3339.test(time)) info.Time = time;
  const origin = value["Origin"];
  if (!isObject(origin)) return info;
  const fields = ORIGIN_FIELDS.map((name) => [name, origin[name]] as const);
  const known = fields.filter((field): field is [string, string] => typeof field[1] === "string");
  if (known.length) info.Origin = Object.fromEntries(known);
  return info;
}

/** The same of bytes. */
export function parseInfoBytes(bytes: Uint8Array, what: string): RevisionInfo {
  let value: unknown;
  const fault = jsonFault(bytes);
  if (fault) throw new Problem("malformed", `The upstream's answer for ${what} ${fault}`);
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Problem("malformed", `The upstream's answer for ${what} is not JSON`);
  }
  return parseInfo(value, what);
}

export function latestRef(module: string): DocumentRef {
  return { kind: "latest", key: module, package: module, path: modulePath(module, "@latest") };
}

/** A branch, a commit or a version prefix: what it stands for may change, so it is a document. */
export function queryRef(module: string, query: string): DocumentRef {
  const path = versionPath(module, query, "info");
  return { kind: "query", key: `${module}@${query}`, package: module, path };
}

export const infoDocument: DocumentType = {
  complete: false,
  limit: INFO_LIMIT,
  /** @latest alone: versions have their own files, and what is published without code has no branches. */
  compose({ name, releases }, { kind }) {
    if (kind !== "latest") return null;
    const version = highest(releases.map((release) => release.version));
    const release = releases.find((one) => one.version === version);
    if (!release) throw new Problem("notFound", `No version of ${name} is published`);
    const { info } = release.metadata as { info: Omit<RevisionInfo, "Version"> };
    return JSON.stringify({ Version: release.version, ...info });
  },
  /** When the version was made. It is the list that makes it known. */
  async facts(source, ref) {
    const { Version: version, Time: madeAt } = parseInfo(await source.json(), ref.key);
    if (madeAt === undefined) return [];
    return [{ file: zipFile(version), version, integrity: null, madeAt, isAside: true }];
  },
  /** Throws Problem("blocked") for a version that is withheld: of another one the list tells. */
  async *render({ source, ref, withheld }) {
    const info = parseInfo(await source.json(), ref.key);
    const why = withholdingOf(withheld, zipFile(info.Version));
    if (why && (ref.kind === "latest" || why.verdict === "block")) throw blockedBy(why);
    yield JSON.stringify(info);
  },
};
