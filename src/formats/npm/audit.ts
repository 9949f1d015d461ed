// Security audits: private names stay here, and what the upstream once answered is there when it is away.
// npm/arborist lib/audit-report.js (advisories/bulk); npm 6, pnpm and yarn 1 (audits, audits/quick)
import { createHash } from "node:crypto";
import {
  encodeJson,
  forwarded,
  fromKept,
  jsonOf,
  jsonReply,
  NAMES_LIMIT,
  noAnswer,
  parseJson,
  refuseMany,
  requestJson,
  tryAsk,
} from "../../core/answers.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import { keepAdvisories, keptAdvisories } from "./advisories.ts";
import { publicTree, type Tree } from "./audit-tree.ts";
import { isPackageName } from "./names.ts";
import { notice } from "./problem.ts";
import { isObject } from "./types.ts";

/** A name and its versions. */
const BULK = { bytes: 4 * 1024 * 1024, values: 5 * NAMES_LIMIT };
/** Of each package some fields, and what it requires. */
const TREE = { bytes: 16 * 1024 * 1024, values: 10 * NAMES_LIMIT };

/** `{name: [versions]}` → `{name: [advisories]}`, for the names that may be told to the upstream. */
export async function serveAdvisories(request: Request, repository: Repository): Promise<Reply> {
  const asked = readBulk(await readBody(request, BULK), repository);
  if (asked.size === 0) return jsonReply(200, {}, { hit: true });

  const body = JSON.stringify(Object.fromEntries(asked));
  const path = "-/npm/v1/security/advisories/bulk";
  const answer = await tryAsk(repository, post(path, body));
  const value = jsonOf(answer);
  if (!(answer instanceof Problem) && isObject(value)) {
    const told = new Map(
      [...asked.keys()].map((name) => {
        const own = Object.hasOwn(value, name) ? value[name] : [];
        return [name, Array.isArray(own) ? own.filter(isObject) : []];
      }),
    );
    await keepAdvisories(repository, asked, told);
    return jsonReply(200, withoutEmpty(told), forwarded(answer));
  }
  const kept = await keptAdvisories(repository, asked);
  if (!kept) throw noAnswer(answer, "audit endpoint");
  const since = new Date(kept.oldest).toISOString().slice(0, 10);
  const gaps = kept.unknown
    ? `; ${kept.unknown} of ${asked.size} packages were never asked for`
    : "";
  const text = `holdfast: the upstream cannot be asked; advisories as of ${since}${gaps}`;
  const cache = fromKept(repository, kept.oldest, answer);
  return jsonReply(200, withoutEmpty(kept.advisories), cache, { "npm-notice": notice(text) });
}

/** The older form: a whole dependency tree in, a report out. */
export async function serveAudit(
  form: "audits" | "audits/quick",
  request: Request,
  repository: Repository,
): Promise<Reply> {
  const tree = publicTree(await readBody(request, TREE), (name) => repository.claims(name));
  const key = `${form}/${fingerprint(tree)}`;
  const answer = await tryAsk(repository, post(`-/npm/v1/security/${form}`, JSON.stringify(tree)));
  const value = jsonOf(answer);
  if (!(answer instanceof Problem) && isObject(value)) {
    await repository.keep(key, encodeJson(value), { evictable: true });
    return jsonReply(200, value, forwarded(answer));
  }
  const kept = await repository.kept(key);
  if (!kept) throw noAnswer(answer, "audit endpoint");
  return jsonReply(200, parseJson(kept.bytes), fromKept(repository, kept.at, answer));
}

function post(path: string, body: string) {
  const headers = { "content-type": "application/json", accept: "application/json" };
  return { path, package: null, method: "POST", headers, body } as const;
}

async function readBody(
  request: Request,
  limits: { bytes: number; values: number },
): Promise<Record<string, unknown>> {
  const body = await requestJson(request, limits);
  if (!isObject(body))
    throw new Problem("badRequest", "The body of an audit must be a JSON object");
  return body;
}

function readBulk(body: Record<string, unknown>, repository: Repository): Map<string, string[]> {
  const asked = new Map<string, string[]>();
  refuseMany(Object.keys(body).length);
  for (const [name, versions] of Object.entries(body)) {
    if (!isPackageName(name) || !Array.isArray(versions) || repository.claims(name)) continue;
    const texts = versions.filter((version) => typeof version === "string");
    if (texts.length) asked.set(name, texts);
  }
  return asked;
}

function withoutEmpty(advisories: Map<string, unknown[]>): Record<string, unknown> {
  return Object.fromEntries([...advisories].filter(([, list]) => list.length > 0));
}

/** The same for every tree of the same releases. */
function fingerprint(tree: Tree): string {
  const releases = new Set<string>();
  const open: unknown[] = [tree];
  while (open.length) {
    const dependencies = (open.pop() as Tree)["dependencies"];
    if (!isObject(dependencies)) continue;
    for (const [name, dependency] of Object.entries(dependencies)) {
      if (!isObject(dependency)) continue;
      releases.add(`${name}@${dependency["version"]}`);
      open.push(dependency);
    }
  }
  return createHash("sha256")
    .update([...releases].sort().join("\n"))
    .digest("hex");
}
