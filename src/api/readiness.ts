// Whether all that a lock file asks for is here, and fetching what is not.
import { z } from "zod";
import { LOCK_BYTES, LOCK_RELEASES } from "../core/lock.ts";
import { nameOf } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import { badInLock, checkLock, countReady } from "../jobs/readiness.ts";
import { type ApiDeps, repositoryOf } from "./deps.ts";
import { endpoint } from "./endpoint.ts";
import { Operation, shown } from "./operations.ts";

const Locked = z.object({
  package: z.string().min(1).max(500),
  version: z.string().min(1).max(500),
  files: z.array(z.string().max(1000)).max(1000).default([]),
  sha256: z.array(z.string().max(64)).max(2000).default([]),
});

const Ready = z
  .object({
    lock: z.string().describe("What kind of lock file it was read as"),
    counts: z.object({
      present: z.number().int(),
      missing: z.number().int(),
      held: z.number().int(),
      blocked: z.number().int(),
    }),
    releases: z.array(
      Locked.extend({
        purl: z.string(),
        state: z
          .enum(["present", "missing", "held", "blocked"])
          .describe("present: it is sent with the cable cut as well"),
        stored: z
          .number()
          .int()
          .describe("Files of it that are stored, of those that are asked for"),
        why: z.string().nullable(),
      }),
    ),
    elsewhere: z
      .array(z.object({ name: z.string(), why: z.string() }))
      .describe("What it names that comes from no registry"),
  })
  .meta({ id: "Readiness" });

export function readinessEndpoints(deps: ApiDeps) {
  const { policed, waivers, database, now, runs } = deps;
  // As a text in JSON it is somewhat longer.
  const base = { tag: "readiness", method: "POST", limit: LOCK_BYTES * 1.25 } as const;
  return [
    endpoint({
      ...base,
      path: "/repositories/{repository}/readiness",
      summary: "Whether all that a lock file asks for is here: present, missing, held or blocked",
      command: "ready",
      access: ({ repository }) => ({ action: "read", package: null, repository: repository! }),
      body: z.object({
        text: z
          .string()
          .describe(
            "The lock file: package-lock.json, requirements.txt with pinned versions, go.sum, composer.lock, by the format of the repository",
          ),
      }),
      status: 200,
      result: Ready,
      async run({ params, body: { text }, grant }) {
        const { name, lock } = repositoryOf(deps, params["repository"]!);
        if (!lock) throw new Problem("badRequest", `${name} is of a format without lock files`);
        const one = policed.find((found) => found.name === name)!;
        const mayRead = (packageName: string) => grant.may(name, "read", packageName);
        const asked = lock.read(text);
        const report = await checkLock(database.read, one, waivers.all(), now(), asked, mayRead);
        const { principal } = grant;
        // Who gives no name is told by an address, which is not known here.
        if (principal.address !== "") {
          const bad = await badInLock(database.read, one, asked, mayRead);
          deps.fetches.noteLocked(principal, principal.address, name, bad);
        }
        return {
          lock: lock.name,
          counts: countReady(report),
          releases: report.releases.map((release) => ({
            ...release,
            files: [...release.files],
            sha256: [...release.sha256],
          })),
          elsewhere: report.elsewhere,
        };
      },
    }),
    endpoint({
      ...base,
      path: "/repositories/{repository}/readiness/fetch",
      summary: "Fetch releases that a lock file asks for: it goes on when nobody waits",
      access: ({ repository }) => ({ action: "admin", package: null, repository: repository! }),
      makes: true,
      body: z.object({ releases: z.array(Locked).min(1).max(LOCK_RELEASES) }),
      status: 202,
      result: Operation,
      async run({ params, body: { releases }, grant }) {
        const { name } = repositoryOf(deps, params["repository"]!);
        const by = nameOf(grant.principal);
        const values = { repository: name, releases: JSON.stringify(releases), by };
        const wanted = { name: "ready fetch", repository: "", flags: new Set<string>(), values };
        await database.write((sql) =>
          deps.auth.audit.write(sql, {
            action: "run",
            principal: grant.principal,
            repository: name,
            detail: { operation: "ready fetch", releases: releases.length },
          }),
        );
        return shown(await runs.start(wanted, by));
      },
    }),
  ];
}
