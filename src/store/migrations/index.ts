// What was done to the database since the first version, in order. A number never changes its meaning once released.
import start from "./0001-start.sql" with { type: "text" };
import pinnedDigests from "./0002-pinned-digests.sql" with { type: "text" };
import finalEvents from "./0003-final-events.sql" with { type: "text" };
import keptEvictable from "./0004-kept-evictable.sql" with { type: "text" };
import documentsRevised from "./0005-documents-revised.sql" with { type: "text" };
import absences from "./0006-absences.sql" with { type: "text" };
import factsByFilePostgres from "./0007-facts-by-file.postgres.sql" with { type: "text" };
import factsByFile from "./0007-facts-by-file.sql" with { type: "text" };
import unpinned from "./0008-unpinned.sql" with { type: "text" };
import artifactsByAge from "./0009-artifacts-by-age.sql" with { type: "text" };
import documentsFoundAt from "./0010-documents-found-at.sql" with { type: "text" };
import accounts from "./0011-accounts.sql" with { type: "text" };
import audit from "./0012-audit.sql" with { type: "text" };
import hosted from "./0013-hosted.sql" with { type: "text" };
import identity from "./0014-identity.sql" with { type: "text" };
import sources from "./0015-sources.sql" with { type: "text" };
import hooks from "./0016-hooks.sql" with { type: "text" };
import usageOfMetadata from "./0019-usage-of-metadata.sql" with { type: "text" };
import policy from "./0020-policy.sql" with { type: "text" };
import advisories from "./0021-advisories.sql" with { type: "text" };
import fetches from "./0022-fetches.sql" with { type: "text" };
import provenance from "./0024-provenance.sql" with { type: "text" };
import withheldTold from "./0025-withheld-told.sql" with { type: "text" };
import waiting from "./0026-waiting.sql" with { type: "text" };
import waiversUntilFixed from "./0027-waivers-until-fixed.sql" with { type: "text" };
import artifactsByUse from "./0028-artifacts-by-use.sql" with { type: "text" };
import sourceFailures from "./0029-source-failures.sql" with { type: "text" };
import log from "./0030-log.sql" with { type: "text" };
import composerLicences from "./0032-composer-licences.sql" with { type: "text" };
import locked from "./0033-locked.sql" with { type: "text" };
import seriesPostgres from "./0034-series.postgres.sql" with { type: "text" };
import series from "./0034-series.sql" with { type: "text" };
import alarms from "./0035-alarms.sql" with { type: "text" };
import catalog from "./0036-catalog.sql" with { type: "text" };
import operator from "./0037-operator.sql" with { type: "text" };
import changesPostgres from "./0040-changes.postgres.sql" with { type: "text" };
import changes from "./0040-changes.sql" with { type: "text" };
import shownOnce from "./0041-shown-once.sql" with { type: "text" };
import nodes from "./0042-nodes.sql" with { type: "text" };
import moves from "./0045-moves.sql" with { type: "text" };
import followed from "./0046-followed.sql" with { type: "text" };
import invitations from "./0048-invitations.sql" with { type: "text" };
import auditByPackage from "./0049-audit-by-package.sql" with { type: "text" };
import dependencies from "./0050-dependencies.sql" with { type: "text" };
import nodesTold from "./0051-nodes-told.sql" with { type: "text" };
import leasesTold from "./0054-leases-told.sql" with { type: "text" };

export interface Migration {
  /** The number of its file: the database's version afterwards. */
  version: number;
  sql: string;
  /** The second text of one that cannot be told in words that SQLite and PostgreSQL share (see postgres-schema.ts). */
  postgres?: string;
}

export const migrations: readonly Migration[] = [
  { version: 1, sql: start },
  { version: 2, sql: pinnedDigests },
  { version: 3, sql: finalEvents },
  { version: 4, sql: keptEvictable },
  { version: 5, sql: documentsRevised },
  { version: 6, sql: absences },
  { version: 7, sql: factsByFile, postgres: factsByFilePostgres },
  { version: 8, sql: unpinned },
  { version: 9, sql: artifactsByAge },
  { version: 10, sql: documentsFoundAt },
  { version: 11, sql: accounts },
  { version: 12, sql: audit },
  { version: 13, sql: hosted },
  { version: 14, sql: identity },
  { version: 15, sql: sources },
  { version: 16, sql: hooks },
  { version: 19, sql: usageOfMetadata },
  { version: 20, sql: policy },
  { version: 21, sql: advisories },
  { version: 22, sql: fetches },
  { version: 24, sql: provenance },
  { version: 25, sql: withheldTold },
  { version: 26, sql: waiting },
  { version: 27, sql: waiversUntilFixed },
  { version: 28, sql: artifactsByUse },
  { version: 29, sql: sourceFailures },
  { version: 30, sql: log },
  { version: 32, sql: composerLicences },
  { version: 33, sql: locked },
  { version: 34, sql: series, postgres: seriesPostgres },
  { version: 35, sql: alarms },
  { version: 36, sql: catalog },
  { version: 37, sql: operator },
  { version: 40, sql: changes, postgres: changesPostgres },
  { version: 41, sql: shownOnce },
  { version: 42, sql: nodes },
  { version: 45, sql: moves },
  { version: 46, sql: followed },
  { version: 48, sql: invitations },
  { version: 49, sql: auditByPackage },
  { version: 50, sql: dependencies },
  { version: 51, sql: nodesTold },
  { version: 54, sql: leasesTold },
];
