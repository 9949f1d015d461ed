// A repository for one caller: each function asks at the door, and only then does what it is for.

import type { Accounts } from "../core/accounts.ts";
import type { ToldAdvisories } from "../core/advisory.ts";
import type { DocumentRef } from "../core/document.ts";
import type { Action, Grant } from "../core/grant.ts";
import type { Hosting } from "../core/hosting.ts";
import type { Reply } from "../core/reply.ts";
import type { Repository, UnboundRepository } from "../core/repository.ts";
import type { Turn } from "../core/task.ts";
import { readPin } from "../ledger/pins.ts";
import type { RepositorySources } from "../sources/sources.ts";
import type { Database } from "../store/database.ts";
import type { Absences } from "./absences.ts";
import { knownFile, knownFiles, listStored } from "./artifact-rows.ts";
import type { Artifacts } from "./artifacts.ts";
import type { Models } from "./documents/models.ts";
import { listDocuments } from "./documents/rows.ts";
import type { Door } from "./door.ts";
import type { WithheldOf } from "./withheld.ts";

/** What a repository is made of, none of which asks anybody. */
export interface Parts {
  unbound: Omit<UnboundRepository, "for" | "own" | "ask" | "keep" | "kept" | "swap">;
  door: Door;
  database: Database;
  withheld: Pick<WithheldOf, "of">;
  show: Pick<Repository, "view" | "read">;
  models: Models;
  artifacts: Artifacts;
  ask: Repository["ask"];
  tasks: Pick<Repository, "work" | "derive">;
  absences: Absences;
  values: Pick<Repository, "keep" | "kept" | "swap">;
  accounts(grant: Grant): Accounts;
  hosting(grant: Grant): Hosting;
  sources: RepositorySources;
  /** What feeds tell of packages of its type, whoever asks. */
  told: ToldAdvisories;
  /** The repository that this one is built on and that owns the package, with the server's own grant: who may read this one may read that. */
  elsewhere(packageName: string): Repository | null;
  /** A reply of such a repository, `from`, for callers of this one. The same object for the same reply. `purl`: of a file; null for a document. */
  seen(packageName: string, purl: string | null, from: Repository, reply: Reply): Reply;
  /** Keys of documents of one kind that contain `text`, of all packages that are published here, or in what this repository is built on. */
  hostedKeys(kind: string, text: string): string[];
}

/** The repository as the grant's caller may use it: the same object for the same grant. */
export function createBinder(parts: () => Parts): (grant: Grant) => Repository {
  const bound = new WeakMap<Grant, Repository>();
  return (grant) => {
    let made = bound.get(grant);
    if (!made) {
      made = bind(parts(), grant);
      bound.set(grant, made);
    }
    return made;
  };
}

function bind(parts: Parts, grant: Grant): Repository {
  const { unbound, door, database, show, models, artifacts, ask, tasks, absences, values } = parts;
  const {
    name,
    options,
    hasUpstreams,
    mayBlock,
    report,
    now,
    claims,
    claimPatterns,
    secret,
    heard,
    catchUp,
  } = unbound;
  /** What comes from upstream, or once did, or was published here. */
  const enter = (packageName: string | null) => door.enter(grant, packageName);
  /** What an upstream alone can tell. */
  const leave = (packageName: string | null) => door.leave(grant, packageName);
  /** What is had of a repository that this one is built on, and of it alone. */
  const elsewhere = (packageName: string) => parts.elsewhere(packageName);
  /** What the catalog tells, of private names as well. */
  const permit = (action: Action, packageName: string | null) =>
    door.permit(grant, action, packageName);
  return {
    name,
    options,
    hasUpstreams,
    mayBlock,
    report,
    now,
    claims,
    claimPatterns,
    secret,
    heard,
    catchUp,
    accounts: parts.accounts(grant),
    hosting: parts.hosting(grant),
    sources: {
      patterns: parts.sources.claims,
      for(packageName) {
        permit("read", packageName);
        const other = elsewhere(packageName);
        return (other?.sources ?? parts.sources).for(packageName);
      },
      async roots() {
        permit("read", null);
        return (await parts.sources.roots()).filter((root) => grant.may(name, "read", root));
      },
      async refresh({ say, progress, signal }) {
        permit("admin", null);
        const { asked, failed } = await parts.sources.refresh({ say, progress, signal });
        say(
          asked === 0
            ? "No code was had so far: it is when a client asks for it"
            : `${asked} were asked`,
        );
        return failed === 0 && !signal.aborted;
      },
    },
    advisories: {
      async state() {
        permit("read", null);
        return parts.told.state();
      },
      async about(packageName) {
        permit("read", packageName);
        return parts.told.about(packageName);
      },
      async aboutAll(names) {
        permit("read", null);
        const readable = names.filter((one) => grant.may(name, "read", one));
        return parts.told.aboutAll(readable);
      },
      async byId(id) {
        permit("read", null);
        const found = await parts.told.byId(id);
        return found.filter((one) => grant.may(name, "read", one.package));
      },
      async *all() {
        permit("read", null);
        for await (const one of parts.told.all())
          if (grant.may(name, "read", one.package)) yield one;
      },
    },
    refuseClaimed: leave,
    async view(ref, request, headers) {
      enter(ref.package);
      const other = elsewhere(ref.package);
      if (other)
        return parts.seen(ref.package, null, other, await other.view(ref, request, headers));
      return show.view(ref, request, headers);
    },
    async withheld(packageName, turn) {
      enter(packageName);
      return (await parts.withheld.of(packageName, turn)).withheld;
    },
    async read(ref, request) {
      enter(ref.package);
      const other = elsewhere(ref.package);
      if (other) return other.read(ref, request);
      return show.read(ref, request);
    },
    async model<T>(ref: DocumentRef, which: "fresh" | "stored" | "now" = "fresh") {
      enter(ref.package);
      const other = elsewhere(ref.package);
      if (other) return other.model<T>(ref, which);
      return models.get<T>(ref, which);
    },
    async artifact(artifact, request) {
      enter(artifact.package);
      const other = elsewhere(artifact.package);
      if (other) {
        const reply = await other.artifact(artifact, request);
        return parts.seen(artifact.package, artifact.purl, other, reply);
      }
      return artifacts.open(artifact, request);
    },
    async fetch(artifact, pace) {
      enter(artifact.package);
      const other = elsewhere(artifact.package);
      if (other) return other.fetch(artifact, pace);
      return artifacts.fetch(artifact, pace);
    },
    async ask(question) {
      leave(question.package);
      return ask(question);
    },
    async known(packageName, file) {
      permit("read", packageName);
      const other = elsewhere(packageName);
      if (other) return other.known(packageName, file);
      return knownFile(database.read, { repository: name, package: packageName, file });
    },
    async files(packageName) {
      permit("read", packageName);
      const other = elsewhere(packageName);
      if (other) return other.files(packageName);
      return knownFiles(database.read, name, packageName);
    },
    async stored(packageName) {
      permit("read", packageName ?? null);
      const other = packageName === undefined ? null : elsewhere(packageName);
      if (other) return other.stored(packageName);
      const rows = await listStored(database.read, name, packageName ?? null);
      return rows.filter((row) => grant.may(name, "read", row.package));
    },
    async pinned(packageName, file) {
      permit("read", packageName);
      const other = elsewhere(packageName);
      if (other) return other.pinned(packageName, file);
      const key = { repository: name, package: packageName, file };
      return (await readPin(database.read, key))?.sha256 ?? null;
    },
    async documents(kind, text, limit) {
      permit("read", null);
      const mayRead = (packageName: string) => grant.may(name, "read", packageName);
      const hosted = parts.hostedKeys(kind, text).filter(mayRead);
      const isFetched = (packageName: string) =>
        !["hosted", "base"].includes(door.whose(packageName)) && mayRead(packageName);
      const fetched = await listDocuments(database.read, name, kind, text, limit, isFetched);
      if (hosted.length === 0) return fetched;
      return [...fetched, ...hosted].sort().slice(0, limit);
    },
    async remove(files) {
      for (const file of files) permit("admin", file.package);
      return artifacts.remove(files);
    },
    async work<T>(task: string, options: unknown, files: string[], turn?: Turn) {
      permit("read", null);
      return tasks.work<T>(task, options, files, turn);
    },
    async derive(task, options, files, turn) {
      permit("read", null);
      return tasks.derive(task, options, files, turn);
    },
    async explain(key, error) {
      permit("read", null);
      return absences.explain("format", [key], error);
    },
    async keep(key, bytes, how) {
      permit("read", null);
      return values.keep(key, bytes, how);
    },
    async kept(key) {
      permit("read", null);
      return values.kept(key);
    },
    async swap(key, bytes, previous) {
      permit("read", null);
      return values.swap(key, bytes, previous);
    },
  };
}
