// What leaves tell of how rows came about: what is final and changed all the same, and a clock that was put back.
import type { Audited, Finding } from "./finding.ts";
import { describe, type Leaf } from "./leaf.ts";

/** What a clock may be put back by, and how long what is written down may have been under way. */
const SLACK_MS = 10 * 60 * 1000;

/** An event after which what was found before is known: an operator has accepted it. */
export const ACCEPTED = "history-accepted";

interface Final {
  version: unknown;
  firstSeen: unknown;
  publishedAt: unknown;
  integrity: unknown;
}

export interface History {
  /** Leaves in their order. `isOurs`: its row is looked at in this go; `isFirst`: what concerns all rows as well. */
  meet(leaf: Leaf, at: number, how: { isFirst: boolean; isOurs: boolean }): void;
  findings(): Finding[];
  accepted(): Audited["accepted"];
}

export function createHistory(now: number): History {
  let found: Finding[] = [];
  let accepted: Audited["accepted"] = null;
  const pins = new Set<string>();
  const facts = new Map<string, Final>();
  let latest = { time: Number.NEGATIVE_INFINITY, at: 0 };
  const tell = (kind: "rewritten" | "clock", text: string) =>
    found.push({ kind, text, repair: null });

  function meetTime(leaf: Leaf, at: number): void {
    const time = timeOf(leaf);
    if (time === null) return;
    const told = new Date(time).toISOString();
    if (time > now + SLACK_MS)
      tell("clock", `${describe(leaf)} (leaf ${at}) is of ${told}, which is yet to come`);
    if (time < latest.time - SLACK_MS)
      tell(
        "clock",
        `the clock was put back: ${describe(leaf)} (leaf ${at}) is of ${told}, and leaf ${latest.at} before it of ${new Date(latest.time).toISOString()}`,
      );
    // Told once: what comes after goes by the clock as it was then.
    if (time > latest.time || time < latest.time - SLACK_MS) latest = { time, at };
  }

  function meetPin(leaf: Leaf, at: number): void {
    const { key } = leaf;
    if (leaf.isGone) pins.delete(key);
    else if (pins.has(key) && !leaf.isTakenUp)
      tell("rewritten", `${describe(leaf)} was pinned once more (leaf ${at}) and never taken back`);
    else pins.add(key);
  }

  function meetFact(leaf: Leaf, at: number): void {
    const { key } = leaf;
    if (leaf.isGone) {
      facts.delete(key);
      return;
    }
    const before = facts.get(key);
    const { version, firstSeen, publishedAt, integrity } = leaf.said;
    facts.set(key, { version, firstSeen, publishedAt, integrity });
    if (!before || leaf.isTakenUp) return;
    const changed = [
      ...(version === before.version ? [] : ["version"]),
      ...(firstSeen === before.firstSeen ? [] : ["time of first sight"]),
      ...(isKept(before.publishedAt, publishedAt) ? [] : ["time of publication"]),
      ...(isGrown(before.integrity, integrity) ? [] : ["integrity"]),
    ];
    if (changed.length > 0)
      tell(
        "rewritten",
        `${describe(leaf)} was given another ${changed.join(" and another ")} (leaf ${at}), which never changes`,
      );
  }

  return {
    meet(leaf, at, { isFirst, isOurs }) {
      if (leaf.said["event"] === ACCEPTED && leaf.group === "event") {
        found = [];
        accepted = { at: Number(leaf.said["at"]), leaf: at };
        latest = { time: Number.NEGATIVE_INFINITY, at };
      }
      if (isFirst) meetTime(leaf, at);
      if (isOurs && leaf.group === "pin") meetPin(leaf, at);
      if (isOurs && leaf.group === "fact") meetFact(leaf, at);
    },
    findings: () => found,
    accepted: () => accepted,
  };
}

/** When it was written down, of what is written down at once. */
function timeOf({ kind, said, isTakenUp }: Leaf): number | null {
  if (isTakenUp) return null;
  const time = kind === "pin" ? said["firstSeen"] : kind === "event" ? said["at"] : null;
  return typeof time === "number" && Math.abs(time) <= 8.64e15 ? time : null;
}

function isKept(before: unknown, now: unknown): boolean {
  return before === undefined || before === now;
}

/** No algorithm has another digest than before. */
function isGrown(before: unknown, now: unknown): boolean {
  if (typeof before !== "string") return true;
  if (typeof now !== "string") return false;
  const digests = new Map(now.split(" ").map((token) => split(token)));
  return before.split(" ").every((token) => {
    const [algorithm, digest] = split(token);
    return (digests.get(algorithm) ?? digest) === digest;
  });
}

function split(token: string): [algorithm: string, digest: string] {
  const at = token.indexOf("-");
  return at < 0 ? [token, ""] : [token.slice(0, at), token.slice(at + 1)];
}
