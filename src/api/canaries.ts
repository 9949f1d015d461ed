// What made-up packages proved last.
import { z } from "zod";
import { canaryNames } from "../jobs/canaries.ts";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";
import { Time, time } from "./schemas.ts";

const Canaries = z
  .object({
    endedAt: Time.nullable().describe("Of the last round; null: none has ended yet"),
    tookMs: z.number().nullable(),
    failure: z.string().nullable().describe("Why none could be asked"),
    results: z.array(
      z.object({
        repository: z.string(),
        canary: z.enum(canaryNames),
        state: z
          .enum(["green", "red", "unproven"])
          .describe("unproven: it cannot be told in this repository"),
        why: z.string().nullable().describe("null: it is green"),
      }),
    ),
  })
  .meta({ id: "Canaries" });

export function canaryEndpoints({ canaries }: ApiDeps) {
  return [
    endpoint({
      tag: "server",
      command: "canary show",
      method: "GET",
      path: "/canaries",
      summary:
        "What made-up packages proved last: that what is bad, young, tampered with or private is not to be had",
      access: ofServer,
      status: 200,
      result: Canaries,
      async run() {
        const last = canaries();
        return {
          endedAt: time(last?.at ?? null),
          tookMs: last?.tookMs ?? null,
          failure: last?.failure ?? null,
          results: [...(last?.results ?? [])],
        };
      },
    }),
  ];
}
