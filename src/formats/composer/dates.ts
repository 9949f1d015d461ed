// Last-Modified: what clients of Composer go by. It moves with all that they see, whatever that comes from.
import { createHash } from "node:crypto";
import { encodeJson } from "../../core/answers.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import { parseObject } from "./asking.ts";
import type { CodeVersion } from "./code.ts";

/** Raised whenever views of the same documents look different. */
const FORM = 2;
/** Of ours. Clients choose the host in them. */
const ADDRESSES_LIMIT = 20;
const ADDRESSES = "dated/addresses";

/** Since when a value is what it is. Each change is a second later at least: the header tells no smaller differences. */
export async function dateOf(
  repository: Repository,
  key: string,
  bytes: Uint8Array,
): Promise<number> {
  const name = `dated/${key}`;
  const kept = await repository.kept(name);
  const { digest: before, at } = (kept && parseObject(kept.bytes)) ?? {};
  const last = typeof at === "number" ? at : 0;
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (before === digest) return last;
  const date = Math.max(repository.now(), (Math.floor(last / 1000) + 1) * 1000);
  await repository.keep(name, encodeJson({ digest, at: date }));
  return date;
}

/** What is remembered of one repository while the server runs. */
export interface ComposerMemory {
  /** Of packages that are published here, and of all others: the form, and since when it is that. */
  forms: Map<"hosted" | "form", { text: string; since: Promise<number> }>;
  addresses: Map<string, number> | null;
  /** Of packages that are made from code: what their refs were, and which versions that is. */
  code: Map<string, { revision: string; versions: Promise<CodeVersion[]> }>;
  /** When their code hosts were last asked for the sake of a list. */
  asked: Map<string, number>;
}

export function createMemory(): ComposerMemory {
  return { forms: new Map(), addresses: null, code: new Map(), asked: new Map() };
}

/** Since when views look as they do at one of our addresses: what the configuration says shows in them. `form` is of that. */
export async function viewsDate(
  repository: Repository,
  here: ComposerMemory,
  base: string,
  form: Record<string, unknown>,
  of: "hosted" | "form" = "form",
): Promise<number> {
  const text = JSON.stringify({ FORM, ...form });
  // The newest alone: going back to an earlier one is a change as well.
  const before = here.forms.get(of);
  const since = before?.text === text ? before.since : dateOf(repository, of, Buffer.from(text));
  here.forms.set(of, { text, since });
  return Math.max(await since, await addressDate(repository, base, here));
}

async function addressDate(
  repository: Repository,
  base: string,
  here: ComposerMemory,
): Promise<number> {
  const kept = here.addresses ? null : await repository.kept(ADDRESSES);
  here.addresses ??= new Map(
    Object.entries((kept && parseObject(kept.bytes)) ?? {}).map(([key, at]) => [key, Number(at)]),
  );
  const { addresses } = here;
  const before = addresses.get(base);
  if (before !== undefined) return before;
  const date = repository.now();
  addresses.set(base, date);
  const [oldest] = addresses.keys();
  if (addresses.size > ADDRESSES_LIMIT) addresses.delete(oldest!);
  await repository.keep(ADDRESSES, encodeJson(Object.fromEntries(addresses)));
  return date;
}

/** By the reply that is shared by all who get it, so that the later one is shared as well. */
const later = new WeakMap<Reply, Reply>();

/** The reply, dated no earlier than that. */
export function notBefore(reply: Reply, date: number): Reply {
  if (reply.lastModified === undefined || reply.lastModified >= date) return reply;
  const before = later.get(reply);
  if (before?.lastModified === date) {
    if (reply.isCurrent) before.isCurrent = reply.isCurrent;
    return before;
  }
  const dated = { ...reply, lastModified: date };
  if (reply.isShared) later.set(reply, dated);
  return dated;
}
