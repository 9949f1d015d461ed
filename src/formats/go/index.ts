// Go modules: the GOPROXY protocol and the checksum database under it. https://go.dev/ref/mod#goproxy-protocol

import type { Format, Snippet } from "../../core/format.ts";
import { refreshSources, sourcesOperation } from "../../core/source-operation.ts";
import { artifacts } from "./artifacts.ts";
import { canary } from "./canary.ts";
import { createChecksums } from "./checksums.ts";
import { hashMod, hashZip } from "./dirhash.ts";
import { infoDocument, latestRef } from "./info.ts";
import { labels, labelsTask } from "./labels.ts";
import { listDocument } from "./list.ts";
import { lock } from "./lock.ts";
import { dependencies, dependenciesTask } from "./needs.ts";
import { type GoOptions, goOptions } from "./options.ts";
import { insideTask, installSnippets, looksInto } from "./people.ts";
import { probe } from "./probe.ts";
import { problemReply } from "./problem.ts";
import { dirhash, recheckOperation, recheckWith } from "./provisional.ts";
import { publishZip } from "./publish.ts";
import { accessOf, type GoRoute, parseRoute } from "./routes.ts";
import seedFile from "./seed.br" with { type: "file" };
import seed from "./seed.json" with { type: "json" };
import { serve } from "./serve.ts";
import { unfreezeOperation, unfreezeWith } from "./unfreeze.ts";
import { compareVersions } from "./version.ts";
import { createVulndb } from "./vulndb.ts";

export type { GoOptions } from "./options.ts";
export type { GoRoute } from "./routes.ts";

/** GOPRIVATE would have go pass this server by: GONOSUMDB alone says that a public database knows nothing of these names. */
function setup(url: string, { noSumdb }: GoOptions, own: readonly string[] = []): Snippet[] {
  const names = [...new Set([...own, ...noSumdb])];
  const text = [
    `go env -w GOPROXY=${url}`,
    ...(names.length > 0
      ? [
          `go env -w GONOSUMDB=${names.join(",")}`,
          "# No GOPRIVATE and no GONOPROXY: with them go would ask the code hosts itself.",
        ]
      : []),
    "# GOSUMDB stays as it is: the checksum database is answered under the same URL, also while the upstream is away.",
    "",
  ].join("\n");
  return [
    { client: "go", file: "shell", text },
    {
      client: "govulncheck",
      file: "shell",
      text: `# Answered from feeds (docs/policy.md).\ngovulncheck -db ${url}/-/vulndb ./...\n`,
    },
  ];
}

/** People and advisories write versions without the v too. */
function tagged(version: string): string {
  return /^\d/.test(version) ? `v${version}` : version;
}

export const go: Format<GoRoute, GoOptions> = {
  name: "go",
  purlType: "golang",
  compareVersions: (a, b) => compareVersions(tagged(a), tagged(b)),
  withholds: true,
  datedBy: (module) => [latestRef(module)],
  advisories: {
    ecosystem: "Go",
    purlType: "golang",
    version: (text) => `v${text}`,
    seed: { ...seed, path: seedFile },
  },
  hosts: true,
  publishes: {},
  fromCode: true,
  options: goOptions,
  documents: { list: listDocument, latest: infoDocument, query: infoDocument },
  artifacts,
  digests: { h1: hashZip, h1mod: hashMod },
  lock,
  parse: parseRoute,
  access: accessOf,
  mount(repository) {
    const checksums = createChecksums(repository);
    const vulndb = createVulndb();
    return {
      serve: (route, request, bound) => serve(route, request, bound, checksums, vulndb),
      publish: publishZip,
      operations: {
        [unfreezeOperation.name]: unfreezeWith(checksums),
        [recheckOperation.name]: recheckWith(checksums),
        [sourcesOperation.name]: refreshSources,
      },
    };
  },
  tasks: { dirhash, inside: insideTask, dependencies: dependenciesTask, labels: labelsTask },
  looksInto,
  dependencies,
  labels,
  install: installSnippets,
  operations: [unfreezeOperation, recheckOperation, sourcesOperation],
  probe,
  canary,
  problem: problemReply,
  setup,
};
