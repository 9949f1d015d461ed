// What the primary answers a follower beside its log: read as what it should be, and nothing else.
import { z } from "zod";
import { Problem } from "../core/problem.ts";
import type { ReadPrimary } from "./mirror.ts";

const Granted = z.object({
  holder: z.string(),
  actions: z.array(z.enum(["open", "read", "publish", "unpublish", "follow", "admin"])),
  repositories: z.array(z.string()).nullable(),
  packages: z.array(z.string()).nullable(),
  source: z.string(),
});

export const AccessShape = z.object({
  users: z.array(
    z.object({ name: z.string(), createdAt: z.number(), disabledAt: z.number().nullable() }),
  ),
  teams: z.record(z.string(), z.array(z.string())),
  grants: z.array(
    z.object({
      id: z.string(),
      holder: z.string(),
      actions: z.string(),
      repository: z.string(),
      package: z.string(),
      createdAt: z.number(),
      createdBy: z.string(),
    }),
  ),
  tokens: z.array(
    z.object({
      id: z.string(),
      secret: z.string(),
      prefix: z.string(),
      ownerKind: z.string(),
      owner: z.string(),
      name: z.string(),
      scope: z.string(),
      cidrs: z.string(),
      createdAt: z.number(),
      expiresAt: z.number().nullable(),
      revokedAt: z.number().nullable(),
    }),
  ),
  rules: z.object({
    anonymous: z.array(Granted),
    teams: z.record(z.string(), z.array(z.string())),
    grants: z.array(Granted),
  }),
});

const State = z.object({
  access: z.string(),
  accessNow: AccessShape.nullable(),
  policy: z.string(),
  published: z.array(
    z.object({
      repository: z.string(),
      package: z.string(),
      revision: z.number(),
      files: z.array(z.string()),
    }),
  ),
  cursor: z.string(),
});

const Withheld = z.object({
  policy: z.string(),
  items: z.array(
    z.object({
      package: z.string(),
      verdicts: z.array(
        z.object({
          version: z.string(),
          verdict: z.enum(["hold", "block"]),
          rule: z.string(),
          why: z.string(),
          until: z.number().nullable(),
        }),
      ),
    }),
  ),
});

export type PrimaryAccess = z.infer<typeof AccessShape>;
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
): Promise<z.infer<typeof Withheld>> {
  const body = { repository, packages };
  return parsed(Withheld, await post(`${API}/withheld`, body, WITHHELD_LIMIT));
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
