// Canaries: what the last round of made-up packages proved, for metrics, people and machines; told once when one turns red, and once when it is green again.
import type { EventKind } from "../core/event.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Events } from "../ledger/events.ts";
import type { ReadDatabase } from "../store/database.ts";
import type { RecurringJob } from "./runner.ts";

/**
 * What is proven, by the package that proves it: `good` is served, `bad` is blocked, `young` is held, `tampered` is refused, `private` (claimed) is
 * nobody else's business.
 */
export const canaryNames = ["good", "bad", "young", "tampered", "private"] as const;
export type CanaryName = (typeof canaryNames)[number];

export interface CanaryResult {
  repository: string;
  canary: CanaryName;
  /** "unproven": it cannot be told in this repository. */
  state: "green" | "red" | "unproven";
  /** What is wrong, or why it cannot be told, in a clause; null: it is green. */
  why: string | null;
}
