// npm: the format's parts, put together. README.md tells the protocol.

import { z } from "zod";
import type { Format } from "../../core/format.ts";
import { trustRootOption } from "../../proof/trust-option.ts";
import { artifacts } from "./artifacts.ts";
import { canary } from "./canary.ts";
import { documents } from "./documents.ts";
import { labels, labelsTask } from "./labels.ts";
import { lock } from "./lock.ts";
import { createMemory } from "./memory.ts";
import { dependencies, dependenciesTask } from "./needs.ts";
import { insideTask, installSnippets, looksInto } from "./people.ts";
import { popular } from "./popular.ts";
import { probe } from "./probe.ts";
import { renderProblem } from "./problem.ts";
import { promotedState } from "./promoted.ts";
import { findProvenance, provenanceTask } from "./provenance.ts";
import { accessOf, type NpmRoute, parseRoute } from "./routes.ts";
import seedFile from "./seed.br" with { type: "file" };
import seed from "./seed.json" with { type: "json" };
import { serve } from "./serve.ts";
import { setupSnippets } from "./setup.ts";
import type { NpmOptions } from "./types.ts";
import { compareVersions } from "./withheld.ts";

const options = z.strictObject({
  abbreviatedTime: z
    .boolean()
    .default(true)
    .describe(
      "Whether abbreviated documents carry publish dates, which clients with a release-age rule need",
    ),
  trustRoot: trustRootOption,
});

export const npm: Format<NpmRoute, NpmOptions> = {
  name: "npm",
  purlType: "npm",
  advisories: { ecosystem: "npm", purlType: "npm", seed: { ...seed, path: seedFile } },
  compareVersions,
  withholds: true,
  popular,
  tells: ["licence", "scripts", "attested"],
  hosts: true,
  exchange: "package",
  promoted: promotedState,
  options,
  fileOptions: ["trustRoot"],
  documents,
  artifacts,
  lock,
  parse: parseRoute,
  access: accessOf,
  mount() {
    const memory = createMemory();
    return {
      serve: (route, request, repository) => serve(route, request, repository, memory),
      provenance: (file, repository) => findProvenance(file, repository, memory),
    };
  },
  tasks: {
    provenance: provenanceTask,
    inside: insideTask,
    dependencies: dependenciesTask,
    labels: labelsTask,
  },
  looksInto,
  dependencies,
  labels,
  install: installSnippets,
  probe,
  canary,
  problem: renderProblem,
  setup: setupSnippets,
};
