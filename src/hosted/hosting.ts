// Publishing in one repository: each function asks the caller's grant first, and only then does what it is for.
import { type Action, type Grant, permit } from "../core/grant.ts";
import type { HostedPackage } from "../core/hosted.ts";
import type { Hosting, OwnHosting, Part } from "../core/hosting.ts";
import { Problem } from "../core/problem.ts";
import { createChange } from "./change.ts";
import type { HostedDeps, HostedSettings } from "./deps.ts";
import { forget } from "./forget.ts";
import { readStanding, refuseOtherFormat, type Standing } from "./promote.ts";
import { createPublish, type Published, refuseSeen } from "./publish.ts";
import { createReceiver } from "./receive.ts";
import { readAllFiles, readPackage } from "./rows.ts";
import { type Emptied, emptyTrash, listTrash, type Trashed } from "./trash.ts";
import { accountOf } from "./usage.ts";
import { createWaiting } from "./waiting.ts";

/** What people do beside what clients do. */
export interface HostedRoom extends OwnHosting {
  /** Says that a package is abandoned, for another one where that is named, or that it is not; for who may publish it. */
  abandon(packageName: string, abandoned: boolean | string): Promise<void>;
  /** Takes what was removed out of the trash again; for who may unpublish. */
  restore(packageName: string, part: Part): Promise<{ files: number }>;
  /** What can be restored, of packages that the caller may unpublish; oldest first. */
  trash(): Promise<Trashed[]>;
  /** Takes what was removed off the disk, for ever: all of it, or what was kept as long as the configuration says. For who administers the repository. */
  empty(which: "all" | "expired"): Promise<Emptied>;
  /** Says that a version is not to be chosen any more, and why; takes that back with null. For who may publish the package. */
  yank(packageName: string, version: string, reason: string | null): Promise<HostedPackage>;
  /** A release as it stands here; for who may read it. */
  standing(packageName: string, version: string): Promise<Standing>;
  /** Publishes a release of another repository here, with the same bytes; for who may publish here. `detail`: for the audit log. */
  promote(from: Standing, detail?: Record<string, unknown>): Promise<Published>;
}

/** What takes which right. Each is asked as it begins, and again when it comes to be done. */
const NEEDED = {
  publish: "publish",
  promote: "publish",
  change: "publish",
  remove: "unpublish",
  restore: "unpublish",
  empty: "admin",
} as const satisfies Record<string, Action>;

/** A repository's room for published packages: for one caller. */
export function createHosting(
  deps: HostedDeps,
  settings: HostedSettings,
): (grant: Grant) => HostedRoom {
  const { names, database } = deps;
  const { repository } = settings;
  const receiver = createReceiver(deps, settings);
  const publish = createPublish(deps, settings);
  const changes = createChange(deps, settings);
  const waiting = createWaiting(deps, repository);

  return (grant) => {
    const { principal } = grant;
    const account = accountOf(principal);

    function ask(action: Action, packageName: string | null): void {
      permit(grant, repository, action, packageName);
    }

    function refuseClosed(): void {
      if (deps.closed) throw new Problem("forbidden", deps.closed, { rule: "follow" });
    }

    /** What the caller may by now: an upload may take hours, and rights may have been taken away meanwhile. */
    async function askNow(what: keyof typeof NEEDED, packageName: string | null): Promise<void> {
      ask(NEEDED[what], packageName);
      const now = (await grant.again?.()) ?? grant;
      permit(now, repository, NEEDED[what], packageName);
      // Room is made of what was removed before.
      if (what !== "empty") refuseClosed();
    }

    function toPublish(packageName: string | null): void {
      ask("publish", packageName);
      refuseClosed();
      if (!settings.canHost)
        throw new Problem(
          "methodNotAllowed",
          `Nothing can be published in ${repository}: its format is only fetched so far`,
        );
      // A name that this repository claims itself may be published in both: each then shows its own.
      if (packageName !== null && !settings.claims(packageName)) refuseElsewhere(packageName, true);
    }

    /** A name of a repository that this one is built on is that one's here as well. */
    function refuseElsewhere(packageName: string, isNew = false): void {
      const other = settings.elsewhere(packageName);
      // What is claimed there and published nowhere is not there to be changed.
      if (!other || (!isNew && !other.room.owns(packageName))) return;
      throw new Problem(
        "conflict",
        `${packageName} belongs to the repository ${other.name}, which ${repository} is built on: it is published and changed there`,
        { rule: "upstreams" },
      );
    }

    const change: Hosting["change"] = async (packageName, what, change, expected) => {
      await askNow("change", packageName);
      refuseElsewhere(packageName);
      return changes.change(principal, packageName, what, change, expected);
    };

    return {
      owns: (packageName) =>
        names.has(repository, packageName) ||
        (settings.elsewhere(packageName)?.room.owns(packageName) ?? false),
      async read(packageName) {
        ask("read", packageName);
        if (names.has(repository, packageName))
          return readPackage(database.read, repository, packageName);
        return settings.elsewhere(packageName)?.room.read(packageName) ?? null;
      },
      async search(text, limit) {
        ask("read", null);
        const all = new Set(names.list(repository, text));
        for (const base of settings.bases())
          for (const name of await base.search(text, Number.MAX_SAFE_INTEGER)) all.add(name);
        return [...all]
          .filter((name) => grant.may(repository, "read", name))
          .sort()
          .slice(0, limit);
      },
      async admit(packageName, size) {
        toPublish(packageName);
        if (packageName !== null && !names.has(repository, packageName))
          await refuseSeen(database.read, settings, packageName);
        await receiver.admit(account, size ?? 0);
      },
      async receive(packageName, chunks, limit, algorithms = []) {
        toPublish(packageName);
        return receiver.receive(account, chunks, limit, algorithms);
      },
      async setAside(name, upload) {
        await askNow("publish", null);
        const incoming = receiver.incomingOf(upload);
        if (!incoming) throw new Error("The upload was not received by this repository");
        await waiting.keep(account, name, upload, incoming);
        // It counts by its row from now on.
        await upload.discard();
      },
      async aside() {
        toPublish(null);
        return waiting.list(account);
      },
      async expireAside(until) {
        ask("admin", null);
        return waiting.expire(until);
      },
      async publish({ files, ...publication }) {
        toPublish(publication.package);
        await askNow("publish", publication.package);
        const bytes = files.map(({ upload, ...file }) => ({
          ...file,
          sha256: upload.sha256,
          size: upload.size,
          incoming: receiver.incomingOf(upload),
        }));
        return publish(principal, { ...publication, files: bytes, action: "publish" });
      },
      change,
      yank(packageName, version, reason) {
        const name = reason === null ? "unyank" : "yank";
        const detail = { version, ...(reason && { reason }) };
        return change(packageName, { action: name, name, detail }, () => ({
          releases: [{ version, yanked: reason }],
        }));
      },
      async abandon(packageName, abandoned) {
        ask("publish", packageName);
        refuseClosed();
        refuseElsewhere(packageName);
        const { abandoned: make } = settings;
        if (!make)
          throw new Problem(
            "methodNotAllowed",
            `Clients of ${settings.format} know no abandoned packages`,
          );
        const what = { action: "change", name: "abandon", detail: { abandoned } } as const;
        await changes.change(principal, packageName, what, ({ state }) => ({
          state: make(state, abandoned),
        }));
      },
      async remove(packageName, part, expected) {
        await askNow("remove", packageName);
        refuseElsewhere(packageName);
        const removed = await changes.remove(principal, packageName, [part].flat(), expected);
        if (settings.trashMs === 0) await emptyTrash(deps, repository, deps.now(), principal);
        return removed;
      },
      async restore(packageName, part) {
        await askNow("restore", packageName);
        return changes.restore(principal, packageName, part);
      },
      async trash() {
        ask("unpublish", null);
        const all = await listTrash(database.read, repository, settings.trashMs);
        return all.filter((one) => grant.may(repository, "unpublish", one.package));
      },
      async empty(which) {
        await askNow("empty", null);
        const until = which === "all" ? Number.MAX_SAFE_INTEGER : deps.now() - settings.trashMs;
        return emptyTrash(deps, repository, until, principal);
      },
      turn: settings.turn,
      async all() {
        ask("read", null);
        const files = await readAllFiles(database.read, repository);
        return files.filter((one) => grant.may(repository, "read", one.package));
      },
      async forget(packageName, what) {
        ask("admin", packageName);
        await forget(deps, repository, packageName, what);
      },
      async standing(packageName, version) {
        ask("read", packageName);
        return readStanding(database.read, settings, packageName, version);
      },
      async promote(from, detail = {}) {
        const { package: row, version, metadata, files } = from;
        toPublish(row.name);
        refuseOtherFormat(from, settings);
        if (settings.staying !== null) throw new Problem("methodNotAllowed", settings.staying);
        await askNow("promote", row.name);
        const { promoted } = settings;
        return publish(principal, {
          package: row.name,
          version,
          metadata,
          files,
          ...(promoted && { state: (before) => promoted(before, row.state, version) }),
          action: "promote",
          detail: { from: from.repository, ...detail },
        });
      },
    };
  };
}
