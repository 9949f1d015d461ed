// What the disk holds, and what is to go.
import { z } from "zod";
import type { ApiDeps } from "./deps.ts";
import { endpoint, ofServer } from "./endpoint.ts";

const Disk = z
  .object({
    free: z.number().describe("Bytes, as all numbers here"),
    total: z.number(),
    keepFree: z.number().describe("Below it room is made; 0: never"),
    until: z.number().describe("Until so much is free"),
    wanted: z.number().describe("What is to be freed now"),
    repositories: z.array(
      z.object({
        name: z.string(),
        fetched: z.number().describe("Of stored files, those that were fetched"),
        quota: z.number().nullable(),
        wanted: z.number().describe("What its quota wants freed now"),
        whyNot: z.string().nullable().describe("Why nothing goes in it now"),
      }),
    ),
  })
  .meta({ id: "Disk" });

export function diskEndpoints({ disk }: ApiDeps) {
  return [
    endpoint({
      tag: "server",
      command: "disk show",
      method: "GET",
      path: "/disk",
      summary: "What is free, what was fetched, and what is to go",
      access: ofServer,
      status: 200,
      result: Disk,
      run: () => disk(),
    }),
  ];
}
