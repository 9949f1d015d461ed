// What the primary says beside its log, as the API gives it and a follower reads it.
import { z } from "zod";

const Granted = z.object({
  holder: z.string(),
  actions: z.array(z.enum(["open", "read", "publish", "unpublish", "follow", "admin"])),
  repositories: z.array(z.string()).nullable(),
  packages: z.array(z.string()).nullable(),
  source: z.string(),
});

const Millis = z.number().int().describe("Milliseconds since the epoch");

export const FollowedAccess = z
  .object({
    users: z.array(
      z.object({ name: z.string(), createdAt: Millis, disabledAt: Millis.nullable() }),
    ),
    teams: z.record(z.string(), z.array(z.string())),
    grants: z.array(
      z.object({
        id: z.string(),
        holder: z.string(),
        actions: z.string(),
        repository: z.string(),
        package: z.string(),
        createdAt: Millis,
        createdBy: z.string(),
      }),
    ),
    tokens: z.array(
      z.object({
        id: z.string(),
        secret: z.string().describe("SHA-256 of it"),
        prefix: z.string(),
        ownerKind: z.string(),
        owner: z.string(),
        name: z.string(),
        scope: z.string(),
        cidrs: z.string(),
        createdAt: Millis,
        expiresAt: Millis.nullable(),
        revokedAt: Millis.nullable(),
      }),
    ),
    rules: z.object({
      anonymous: z.array(Granted),
      teams: z.record(z.string(), z.array(z.string())),
      grants: z.array(Granted),
    }),
  })
  .meta({ id: "FollowedAccess" });

export const FollowedState = z
  .object({
    now: Millis,
    access: z.string().describe("Another text once anything of who may read what has changed"),
    accessNow: FollowedAccess.nullable().describe("Null where that is the one that was asked with"),
    policy: z.string().describe("Another text once policy may say something else of a release"),
    published: z
      .array(
        z.object({
          repository: z.string(),
          package: z.string(),
          revision: z.number().int(),
          files: z.array(z.string()).describe("Those that are there now"),
        }),
      )
      .describe("What was published or changed after the cursor, the oldest first; some at a time"),
    cursor: z.string().describe("To be asked with for what comes after"),
  })
  .meta({ id: "FollowedState" });

export const FollowedVerdicts = z
  .object({
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
            until: Millis.nullable(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: "FollowedVerdicts" });
