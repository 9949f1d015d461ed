// Composer: the format's parts, put together. README.md tells the protocol.

import type { Format } from "../../core/format.ts";
import { refreshSources, sourcesOperation } from "../../core/source-operation.ts";
import { admit } from "./admit.ts";
import { artifacts } from "./artifacts.ts";
import { canary } from "./canary.ts";
import { contentDigest } from "./content.ts";
import { createMemory } from "./dates.ts";
import { documents, factNames } from "./documents.ts";
import { abandonedState, promotedState } from "./hosted.ts";
import { labels, labelsTask } from "./labels.ts";
import { lock } from "./lock.ts";
import { spellName } from "./names.ts";
import { dependencies, dependenciesTask } from "./needs.ts";
import { type ComposerOptions, options } from "./options.ts";
import { compareVersions } from "./order.ts";
import { insideTask, installSnippets, looksInto } from "./people.ts";
import { probe } from "./probe.ts";
import { renderProblem } from "./problem.ts";
import { publishGiven } from "./publish.ts";
import { accessOf, type ComposerRoute, parseRoute } from "./routes.ts";
import seedFile from "./seed.br" with { type: "file" };
import seed from "./seed.json" with { type: "json" };
import { serve } from "./serve.ts";
import { setupSnippets } from "./setup.ts";

export const composer: Format<ComposerRoute, ComposerOptions> = {
  name: "composer",
  purlType: "composer",
  compareVersions,
  withholds: true,
  tells: ["licence"],
  factNames,
  advisories: { ecosystem: "Packagist", purlType: "composer", seed: { ...seed, path: seedFile } },
  options,
  documents,
  artifacts,
  lock,
  parse: parseRoute,
  access: accessOf,
  spell: spellName,
  mount() {
    const memory = createMemory();
    return {
      serve: (route, request, repository) => serve(route, request, repository, memory),
      publish: publishGiven,
      admit,
      operations: { [sourcesOperation.name]: refreshSources },
    };
  },
  hosts: true,
  fromCode: true,
  publishes: {},
  promoted: promotedState,
  abandoned: abandonedState,
  operations: [sourcesOperation],
  alsoPinned: ["sha1"],
  contentDigest,
  tasks: { inside: insideTask, dependencies: dependenciesTask, labels: labelsTask },
  looksInto,
  dependencies,
  labels,
  install: installSnippets,
  probe,
  canary,
  problem: renderProblem,
  setup: setupSnippets,
};
