// What several endpoints take and give.
import { z } from "zod";

export const Time = z.iso.datetime().describe("ISO 8601, UTC");
export const Action = z.enum(["read", "publish", "unpublish", "follow", "admin"]);
export const Name = z.string().min(1).max(200);
export const Patterns = z.array(Name).min(1).nullable();

export const Reason = z.string().max(500).optional().describe("Why; it stands in the audit log");

/** The query of what takes something away from people. */
export const taking = {
  reason: Reason,
  force: z
    .enum(["true", "false"])
    .default("false")
    .describe("Also where nobody is left then who administers all"),
};

export function takingOf({ reason, force }: { reason?: string | undefined; force: string }) {
  return { reason, isForced: force === "true" };
}

export function time(at: number): string;
export function time(at: number | null): string | null;
export function time(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** Of a query: milliseconds since the epoch. */
export function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}
