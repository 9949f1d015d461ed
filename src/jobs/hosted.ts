// What people do with published packages by commands, and what the server does with their trash.
import type { Grant } from "../core/grant.ts";
import type { Log } from "../core/log.ts";
import type { OperationCall } from "../core/operation.ts";
import { Problem } from "../core/problem.ts";
import { humanSize } from "../core/size.ts";
import type { HostedRoom } from "../hosted/hosting.ts";
import { localFile } from "../store/local-file.ts";
import { publishGiven, type TakingRepository } from "./given.ts";
import type { HouseOperations } from "./house.ts";
import type { RecurringJob } from "./runner.ts";

/** Publishing in a repository, for one caller. */
export interface HostingRepository extends TakingRepository {
  hosting(grant: Grant): HostedRoom;
  format: TakingRepository["format"] & { spell?(name: string): string };
}

/** Of a call of `publish`, all of them text: these, and what its format takes. */
const OF_EACH = ["by", "repository", "package", "version", "files"];

/** The trash is looked at this often. */
const LOOK_MS = 60 * 60 * 1000;

type Values = Readonly<Record<string, string>>;

/** `repositories`: those at work now. `grantOf`: of the person who runs a command. */
export function hostedOperations(
  repositories: () => readonly HostingRepository[],
  grantOf: (by: string) => Grant,
): HouseOperations {
  function find(name: string | undefined): HostingRepository {
    const found = repositories().find((one) => one.name === name);
    if (!found) throw new Problem("notFound", `There is no repository ${name ?? "without a name"}`);
    return found;
  }

  function open(values: Values, key = "repository") {
    const repository = find(values[key]);
    const room = repository.hosting(grantOf(values["by"] || "somebody"));
    return { repository, room, name: spelled(repository, values["package"] ?? "") };
  }

  function openRelease(values: Values, key?: string) {
    const { version } = values;
    const opened = open(values, key);
    if (!opened.name || !version) throw tooLittle("a package and a version");
    return { ...opened, version };
  }

  return {
    async publish({ values = {}, say }) {
      const repository = find(values["repository"]);
      const files = await Promise.all(pathsOf(values["files"]).map(localFile));
      const own = Object.entries(values).filter(([key]) => !OF_EACH.includes(key));
      const published = await publishGiven(repository, grantOf(values["by"] || "somebody"), {
        package: values["package"] ?? null,
        version: values["version"] ?? null,
        files,
        values: Object.fromEntries(own),
      });
      for (const { package: name, version, file, isNew } of published) {
        const what = `${name}@${version} (${file})`;
        say(
          isNew
            ? `${what} is published in ${repository.name}.`
            : `${what} is in ${repository.name} already, with the same bytes.`,
        );
      }
      return true;
    },
    async promote({ values = {}, say }) {
      const { version, ...from } = openRelease(values, "from");
      const to = open(values, "to");
      const standing = await from.room.standing(from.name, version);
      const { isNew } = await to.room.promote(standing);
      const what = `${from.name}@${version}`;
      say(
        isNew
          ? `${what} of ${from.repository.name} is published in ${to.repository.name}.`
          : `${what} is in ${to.repository.name} already, with the same bytes.`,
      );
      return true;
    },
    async yank({ values = {}, say }) {
      const { repository, room, name, version } = openRelease(values);
      const { reason = "" } = values;
      await room.yank(name, version, reason);
      const why = reason && `: ${reason}`;
      say(`${name}@${version} of ${repository.name} is not to be chosen any more${why}.`);
      return true;
    },
    async unyank({ values = {}, say }) {
      const { repository, room, name, version } = openRelease(values);
      await room.yank(name, version, null);
      say(`${name}@${version} of ${repository.name} may be chosen again.`);
      return true;
    },
    async abandon({ values = {}, say }) {
      const { repository, room, name } = open(values);
      if (!name) throw tooLittle("a package");
      const { replacement = "", isBack } = values;
      await room.abandon(name, isBack ? false : replacement || true);
      const instead = replacement ? ` for ${replacement}` : "";
      say(
        `${name} of ${repository.name} is ${isBack ? "not abandoned any more" : `abandoned${instead}`}.`,
      );
      return true;
    },
    async unpublish({ values = {}, say }) {
      const { repository, room, name } = open(values);
      if (!name) throw tooLittle("a package");
      const { files } = await room.remove(name, partOf(values));
      say(`${files} file(s) of ${name} went to the trash of ${repository.name}.`);
      return true;
    },
    async "trash list"({ values = {}, say }) {
      const rooms = values["repository"] ? [find(values["repository"])] : repositories();
      let isEmpty = true;
      for (const { name: repository } of rooms)
        for (const one of await open({ ...values, repository }).room.trash()) {
          isEmpty = false;
          say(
            [
              new Date(one.removedAt).toISOString().slice(0, 16),
              repository,
              `${one.package}@${one.version}`,
              one.file,
              humanSize(one.size),
              `removed by ${one.removedBy}`,
              `kept until ${new Date(one.endsAt).toISOString().slice(0, 16)}`,
            ].join("  "),
          );
        }
      if (isEmpty) say("Nothing that was unpublished could be restored.");
      return true;
    },
    async "trash restore"({ values = {}, say }) {
      const { repository, room, name } = open(values);
      if (!name) throw tooLittle("a package");
      const { files } = await room.restore(name, partOf(values));
      say(`${files} file(s) of ${name} are back in ${repository.name}.`);
      return true;
    },
    async "trash empty"({ values = {}, say }) {
      const { repository, room } = open(values);
      const { files, bytes } = await room.empty("all");
      say(`${files} file(s) were taken off the disk of ${repository.name}: ${humanSize(bytes)}.`);
      return true;
    },
  } satisfies Record<string, (call: OperationCall) => Promise<boolean>>;
}

function spelled({ format }: HostingRepository, name: string): string {
  return format.spell?.(name) ?? name;
}

/** A list as JSON: paths from the root, on the server's machine. */
function pathsOf(text = "[]"): string[] {
  const paths: unknown = JSON.parse(text);
  const isList = Array.isArray(paths) && paths.every((path) => typeof path === "string");
  if (!isList || paths.length === 0) throw tooLittle("files");
  return paths;
}

function partOf({ version, file }: Values): { version?: string; file?: string } {
  return { ...(version && { version }), ...(file && { file }) };
}

function tooLittle(what: string): Problem {
  return new Problem("badRequest", `This takes ${what}`);
}

/** Takes what was in the trash for long enough off the disk. */
export function tidyTrash(
  repositories: () => readonly HostingRepository[],
  grant: Grant,
  log: Log,
): RecurringJob {
  return {
    name: "Emptying the trash",
    everyMs: LOOK_MS,
    isForAll: true,
    async run() {
      for (const { name, hosting } of repositories()) {
        const { files, bytes } = await hosting(grant).empty("expired");
        if (files > 0)
          log.write("info", "Took removed files off the disk", { repo: name, files, bytes });
      }
    },
  };
}
