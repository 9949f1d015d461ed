// Debian's package repositories. https://wiki.debian.org/DebianRepository/Format
import type { Format } from "../../core/format.ts";
import { acceptOperation } from "./accept.ts";
import { artifacts } from "./artifacts.ts";
import { canary } from "./canary.ts";
import { documents } from "./documents.ts";
import { suiteOperations } from "./hosted/operations.ts";
import { compareVersions, isVersion } from "./hosted/version.ts";
import { looseDocument } from "./loose.ts";
import { mirrorOperations } from "./mirror/index.ts";
import { dependencies, dependenciesTask } from "./needs.ts";
import { type AptOptions, aptOptions } from "./options.ts";
import { insideTask, installSnippets, looksInto } from "./people.ts";
import { sourceOf } from "./pool-artifact.ts";
import { probe } from "./probe.ts";
import { problemReply } from "./problem.ts";
import { type AptRoute, accessOf, parseRoute } from "./routes.ts";
import { mount } from "./service.ts";
import { setupSnippets } from "./setup.ts";
import { tasks } from "./tasks.ts";
import { weakKeyWarnings } from "./weak-keys.ts";

export type { AptOptions } from "./options.ts";
export type { AptRoute } from "./routes.ts";

function warnings({ unverified, keyring = [] }: AptOptions): string[] {
  const weak = weakKeyWarnings(keyring);
  if (!unverified) return weak;
  return ["is not verified: it has no keyring, and nobody's signature is checked"];
}

export const apt: Format<AptRoute, AptOptions> = {
  name: "apt",
  purlType: "deb",
  // The release of a suite is one as well: pkg:deb/dists/stable@20261126T100000Z.
  purlName: (text) => (text.startsWith("dists/") ? text : text.slice(text.lastIndexOf("/") + 1)),
  factNames: {
    whose: (named) => named,
    about: (named) => named,
    under: (named, file) => [{ named, file }],
    beside: (_, file) => sourceOf(file),
  },
  compareVersions: (a, b) => Number(isVersion(a)) - Number(isVersion(b)) || compareVersions(a, b),
  withholds: true,
  heldTogether:
    "Debian packages come in releases that are signed as a whole: an age is for all of them, as pkg:deb/*",
  // Names are those of source packages.
  advisories: { ecosystem: "Debian", purlType: "deb" },
  options: aptOptions,
  documents: { ...documents, packages: looseDocument },
  artifacts,
  hosts: true,
  staying:
    "Debian packages go from one suite of a repository to another one of it: holdfast apt promote REPOSITORY --package NAME --from SUITE --to SUITE. Into another repository they are published, for which the file is fetched from pool/ of this one: holdfast publish apt --repository OTHER --suite SUITE FILE.deb",
  publishes: {
    suite: "Of apt: in this suite of the repository; none: in the first one",
    component: "Of apt: in this component; none: in the first one",
  },
  fileOptions: ["keyring", "uploaders"],
  parse: parseRoute,
  access: accessOf,
  mount,
  tasks: { ...tasks, inside: insideTask, dependencies: dependenciesTask },
  looksInto,
  dependencies,
  install: installSnippets,
  operations: [...mirrorOperations, acceptOperation, ...suiteOperations],
  warnings,
  probe,
  canary,
  problem: problemReply,
  setup: setupSnippets,
};
