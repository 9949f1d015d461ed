// How the state of a release is told, the same on each page about packages.
import type { FoundAdvisory, VersionRow } from "../../core/catalog.ts";
import type { ProvenanceState } from "../../core/provenance.ts";
import { type Html, html } from "../frame/html.ts";
import { moment } from "../frame/text.ts";
import { chip, type Tone } from "../frame/ui.ts";

export function decisionChip({ withheld }: Pick<VersionRow, "withheld">): Html {
  if (!withheld) return chip("good", "allowed");
  if (withheld.verdict === "block") return chip("bad", `blocked: ${withheld.rule}`);
  const until = withheld.until === null ? "" : ` until ${moment(withheld.until).slice(0, 10)}`;
  return chip("warn", `held${until}`, withheld.rule);
}

/** Whether it can be had with the cable cut. */
export function storedChip({ stored, files }: Pick<VersionRow, "stored" | "files">): Html {
  if (stored === 0) return chip("plain", "known");
  return stored >= files ? chip("good", "stored") : chip("good", `${stored} of ${files} stored`);
}

const PROVENANCE: Record<ProvenanceState, [Tone, string]> = {
  verified: ["good", "verified"],
  unverified: ["warn", "not verified"],
  false: ["bad", "false"],
  none: ["plain", "none"],
};

export function provenanceChip(state: ProvenanceState | null): Html {
  if (state === null) return html`<span class="soft">unchecked</span>`;
  const [tone, words] = PROVENANCE[state];
  return chip(tone, words);
}

/** The worst of them, and how many there are. */
export function advisoriesChip(all: readonly FoundAdvisory[]): Html {
  const [worst] = all;
  if (!worst) return html`<span class="soft">none</span>`;
  const word = worst.isMalicious ? "malicious" : (worst.severity ?? "unrated");
  const tone = worst.isMalicious || ["critical", "high"].includes(word) ? "bad" : "warn";
  return chip(tone, all.length === 1 ? word : `${word}, ${all.length} in all`);
}

/** What is unusual about it, in words; nothing where nothing is. */
export function marks({ yanked, isGone, isTampered }: VersionRow): Html {
  return html`${yanked === null ? null : html` ${chip("warn", "yanked", yanked || undefined)}`}${isGone ? html` ${chip("warn", "gone upstream")}` : null}${isTampered ? html` ${chip("bad", "tampered upstream")}` : null}`;
}
