// The Python package index: PEP 503, 691 and what followed. Wiring only; README.md has the protocol in a page.

import type { Format } from "../../core/format.ts";
import type { Action } from "../../core/grant.ts";
import { artifacts } from "./artifacts.ts";
import { findProvenance, provenanceTask } from "./attested.ts";
import { canary } from "./canary.ts";
import { documents } from "./documents.ts";
import { lock } from "./lock.ts";
import { metadataTask } from "./metadata.ts";
import { normalizeName } from "./names.ts";
import { dependencies, dependenciesTask } from "./needs.ts";
import { PypiOptions } from "./options.ts";
import { insideTask, installSnippets, looksInto } from "./people.ts";
import { popular } from "./popular.ts";
import { probe } from "./probe.ts";
import { renderProblem } from "./problem.ts";
import { type PypiRoute, parseRoute } from "./routes.ts";
import seedFile from "./seed.br" with { type: "file" };
import seed from "./seed.json" with { type: "json" };
import { serve } from "./serve.ts";
import { snippets } from "./setup.ts";
import { compareVersions } from "./versions.ts";

export type { PypiOptions } from "./options.ts";
export type { PypiRoute } from "./routes.ts";

/** Whose file it is that is uploaded is only known when its form is read: that is asked again there. */
const ACTIONS: Partial<Record<PypiRoute["kind"], Action>> = {
  upload: "publish",
  yank: "publish",
  unyank: "publish",
  remove: "unpublish",
  write: "publish",
};

export const pypi: Format<PypiRoute, PypiOptions> = {
  name: "pypi",
  purlType: "pypi",
  advisories: { ecosystem: "PyPI", purlType: "pypi", seed: { ...seed, path: seedFile } },
  compareVersions,
  withholds: true,
  popular,
  tells: ["attested"],
  tellsLate: ["licence"],
  hosts: true,
  exchange: "mint",
  options: PypiOptions,
  fileOptions: ["trustRoot"],
  documents,
  artifacts,
  lock,
  parse: parseRoute,
  access: (route) => ({
    action: ACTIONS[route.kind] ?? "read",
    package: "project" in route ? route.project : null,
  }),
  spell: normalizeName,
  mount: () => ({ serve, provenance: findProvenance }),
  tasks: {
    metadata: metadataTask,
    provenance: provenanceTask,
    inside: insideTask,
    dependencies: dependenciesTask,
  },
  looksInto,
  dependencies,
  install: installSnippets,
  probe,
  canary,
  problem: renderProblem,
  setup: snippets,
};
