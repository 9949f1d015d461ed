// What the primary answers a follower beside its log: read as what it should be, and nothing else.
import type { z } from "zod";
import { Problem } from "../core/problem.ts";
import type { ReadPrimary } from "./mirror.ts";
import { type FollowedAccess, FollowedState, FollowedVerdicts } from "./shapes.ts";

/** Its clock is its own business. */
const State = FollowedState.omit({ now: true });

export type PrimaryAccess = z.infer<typeof FollowedAccess>;
export type PrimaryState = z.infer<typeof State>;

/** The way to the primary. Each throws a Problem where it cannot be asked, or answers something else. */
export interface Primary {
  read: ReadPrimary;
  /** Posts JSON. */
  post(path: string, body: unknown, limit: number): Promise<Uint8Array>;
}

/** Tens of thousands of tokens. */
const STATE_LIMIT = 64 * 1024 * 1024;
const WITHHELD_LIMIT = 16 * 1024 * 1024;
const API = "/-/api/v1/follow";

export async function askState(
  { read }: Primary,
  known: { access: string; cursor: string },
): Promise<PrimaryState> {
  const query = new URLSearchParams(known);
  const bytes = await read(`${API}/state?${query}`, STATE_LIMIT);
  if (!bytes)
    throw new Problem(
      "malformed",
      "The primary has no /-/api/v1/follow/state: it is of a version before this one's",
    );
  return parsed(State, bytes);
}

export async function askWithheld(
  { post }: Primary,
  repository: string,
  packages: readonly string[],
): Promise<z.infer<typeof FollowedVerdicts>> {
  const body = { repository, packages };
  return parsed(FollowedVerdicts, await post(`${API}/withheld`, body, WITHHELD_LIMIT));
}

function parsed<T>(schema: z.ZodType<T>, bytes: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    throw new Problem("malformed", "The primary answered something that is no JSON");
  }
  const found = schema.safeParse(value);
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  throw new Problem(
    "malformed",
    `The primary answered otherwise than it should: ${issue?.path.join(".")} ${issue?.message}`,
  );
}
