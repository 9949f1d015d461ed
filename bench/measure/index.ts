// All measurements, in the order in which they are taken.
import type { Context } from "../lib/context.ts";
import { measureArtifacts } from "./artifacts.ts";
import { measureCallers } from "./callers.ts";
import { measureCold } from "./cold.ts";
import { measureCrowd } from "./crowd.ts";
import { measureDocuments } from "./documents.ts";
import { measureGrowth } from "./growth.ts";
import { measureInstalls } from "./installs.ts";
import { measureMemory } from "./memory.ts";
import { measureParallel } from "./parallel.ts";
import { measurePublishing } from "./publishing.ts";
import { measureStart } from "./start.ts";

export const measurements: Record<string, (context: Context) => Promise<void>> = {
  start: measureStart,
  memory: measureMemory,
  documents: measureDocuments,
  artifacts: measureArtifacts,
  cold: measureCold,
  crowd: measureCrowd,
  parallel: measureParallel,
  installs: measureInstalls,
  growth: measureGrowth,
  publishing: measurePublishing,
  callers: measureCallers,
};

/** Those of packages that are made up: nothing needs to be recorded for them. */
export const madeUp = ["publishing", "callers"];
