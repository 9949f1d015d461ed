// What becomes of versions that are published here: deprecated, tagged, starred, given to others, taken away.
import { jsonReply, requestJson } from "../../core/answers.ts";
import type { HostedPackage } from "../../core/hosted.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { Request } from "../../core/request.ts";
import {
  deprecationOf,
  type PackageState,
  type Person,
  type ReleaseMetadata,
  readRev,
  stateOf,
  tagsOf,
} from "./hosted.ts";
import { isTag, isVersion } from "./names.ts";
import { isObject } from "./types.ts";

const BODY = { bytes: 16 * 1024 * 1024, values: 1_000_000 };
const NOTE = 10_000;
const VERSIONS = 100_000;

/** What is not published here is an upstream's, and nobody can change it here. */
export function requireOwn(name: string, repository: Repository): void {
  if (repository.hosting.owns(name)) return;
  throw new Problem(
    "forbidden",
    `${name} is not published here: what an upstream has cannot be changed in ${repository.name}`,
  );
}

/**
 * A whole document without a tarball, of which only what differs counts: `npm deprecate`, `npm star`, and with a revision (`PUT /name/-rev/…`) `npm
 * unpublish name@version` and `npm owner`.
 */
export async function changeDocument(
  name: string,
  fields: Record<string, unknown>,
  rev: string | null,
  repository: Repository,
): Promise<Reply> {
  requireOwn(name, repository);
  const expected = rev === null ? undefined : revisionOf(name, rev);
  const { versions } = fields;
  if (!isObject(versions)) {
    if (Array.isArray(fields["maintainers"]))
      return changeOwners(name, fields["maintainers"], expected, repository);
    if (isObject(fields["users"])) return star(name, fields["users"], repository);
    throw new Problem("badRequest", "The document says nothing that could be changed");
  }
  if (rev !== null) {
    const { releases } = await hostedOf(name, repository);
    const gone = releases.filter(({ version }) => !Object.hasOwn(versions, version));
    if (gone.length > 0) {
      await repository.hosting.remove(
        name,
        gone.map(({ version }) => ({ version })),
        expected,
      );
      return done(name);
    }
  }
  return deprecate(name, versions, expected, repository);
}

/** `PUT /name/-rev/rev`. */
export async function serveRewrite(
  name: string,
  rev: string,
  request: Request,
  repository: Repository,
): Promise<Reply> {
  const fields = await requestJson(request, BODY);
  if (!isObject(fields)) throw new Problem("badRequest", "The document is no object");
  return changeDocument(name, fields, rev, repository);
}

/** `DELETE /name/-rev/rev`, and of a tarball. What is gone already is gone. */
export async function serveUnpublish(
  name: string,
  file: string | null,
  rev: string,
  repository: Repository,
): Promise<Reply> {
  requireOwn(name, repository);
  const now = await hostedOf(name, repository);
  if (file === null) {
    await repository.hosting.remove(name, {}, revisionOf(name, rev));
    return done(name);
  }
  const release = now.releases.find(({ files }) => files.some((one) => one.file === file));
  // npm takes the version out of the document first, and its tarball then.
  if (release)
    await repository.hosting.remove(name, { version: release.version }, revisionOf(name, rev));
  return done(name);
}

async function deprecate(
  name: string,
  versions: Record<string, unknown>,
  expected: number | undefined,
  repository: Repository,
): Promise<Reply> {
  const notes = new Map<string, string>();
  if (Object.keys(versions).length > VERSIONS)
    throw new Problem("tooLarge", `The document has more than ${VERSIONS} versions`);
  for (const [version, manifest] of Object.entries(versions)) {
    const note = isObject(manifest) ? (manifest["deprecated"] ?? "") : "";
    if (typeof note !== "string" || note.length > NOTE)
      throw new Problem(
        "badRequest",
        `The deprecation of ${version} is no text, or too long a one`,
      );
    notes.set(version, note);
  }
  const detail: Record<string, string> = {};
  await repository.hosting.change(
    name,
    { action: "change", name: "deprecate", detail },
    (now) => ({
      releases: now.releases.flatMap((release) => {
        const { version } = release;
        const { manifest, ...rest } = release.metadata as ReleaseMetadata;
        const note = notes.get(version);
        if (note === undefined || note === deprecationOf(release)) return [];
        detail[version] = note;
        const { deprecated: _, ...before } = manifest;
        const changed = {
          version,
          metadata: { ...rest, manifest: note ? { ...before, deprecated: note } : before },
        };
        return [note ? changed : { ...changed, yanked: null }];
      }),
    }),
    expected,
  );
  return done(name);
}

async function star(
  name: string,
  users: Record<string, unknown>,
  repository: Repository,
): Promise<Reply> {
  const { name: me } = repository.accounts.caller;
  const isStarred = Boolean(users[me]);
  await repository.hosting.change(
    name,
    { action: "change", name: isStarred ? "star" : "unstar" },
    ({ state }) => {
      const others = Object.entries((state as PackageState).users ?? {}).filter(
        ([user]) => user !== me,
      );
      return {
        state: {
          ...state,
          users: Object.fromEntries(isStarred ? [...others, [me, true]] : others),
        },
      };
    },
  );
  return done(name);
}

/** Owners may all that can be done with the package; others may have grants for more than it. */
async function changeOwners(
  name: string,
  wanted: unknown[],
  expected: number | undefined,
  repository: Repository,
): Promise<Reply> {
  const { accounts, hosting } = repository;
  const people = wanted.filter(
    (one): one is Person => isObject(one) && typeof one["name"] === "string",
  );
  const now = await hostedOf(name, repository);
  if (expected !== undefined && expected !== now.revision) throw stale(name);
  const before = stateOf(now).maintainers ?? [];
  const names = (list: readonly Person[]) => list.map((one) => one.name);
  // All or nothing: before anybody is given anything, all of them are there.
  for (const user of names(people).filter((one) => !names(before).includes(one)))
    if (!(await accounts.user(user))) throw new Problem("notFound", `There is no user ${user}`);
  for (const user of names(people).filter((one) => !names(before).includes(one)))
    await accounts.allow(repository.name, name, { kind: "user", name: user }, ["admin"]);
  for (const user of names(before).filter((one) => !names(people).includes(one)))
    await accounts.allow(repository.name, name, { kind: "user", name: user }, []);
  const maintainers = people.map((one) => ({ name: one.name, email: String(one.email ?? "") }));
  const detail = { maintainers: names(maintainers) };
  await hosting.change(name, { action: "change", name: "owner", detail }, ({ state }) => ({
    state: { ...state, maintainers },
  }));
  return done(name);
}

/** `PUT` and `DELETE /-/package/name/dist-tags/tag`. */
export async function serveTag(
  { method, name, tag }: { method: string; name: string; tag: string },
  request: Request,
  repository: Repository,
): Promise<Reply> {
  requireOwn(name, repository);
  if (!isTag(tag))
    throw new Problem(
      "badRequest",
      `${tag} is no name for a tag: it may be no version and no range`,
    );
  const version =
    method === "DELETE" ? null : await requestJson(request, { bytes: 1_000, values: 10 });
  if (version !== null && (typeof version !== "string" || !isVersion(version)))
    throw new Problem("badRequest", "The body of a tag is its version, as a JSON string");
  if (version === null && tag === "latest")
    throw new Problem(
      "forbidden",
      "The tag latest can be moved, and not removed: clients ask for it",
    );
  const detail = { tag, ...(version !== null && { version }) };
  const now = await repository.hosting.change(
    name,
    { action: "change", name: "dist-tag", detail },
    (now) => {
      if (version !== null && !now.releases.some((one) => one.version === version))
        throw new Problem("notFound", `${name} has no version ${version}`);
      const { [tag]: _, ...others } = stateOf(now).tags ?? {};
      return {
        state: { ...now.state, tags: version === null ? others : { ...others, [tag]: version } },
      };
    },
  );
  return jsonReply(version === null ? 200 : 201, tagsOf(now));
}

async function hostedOf(name: string, repository: Repository): Promise<HostedPackage> {
  const found = await repository.hosting.read(name);
  if (!found) throw new Problem("notFound", `${name} is not published here`);
  return found;
}

/** Who has seen no revision has not seen what would be taken away. */
function revisionOf(name: string, rev: string): number {
  const revision = readRev(rev);
  if (revision === null) throw stale(name);
  return revision;
}

function stale(name: string): Problem {
  return new Problem(
    "conflict",
    `${name} has changed meanwhile, or its revision was not told: fetch it again`,
  );
}

function done(name: string): Reply {
  return jsonReply(201, { ok: true, id: name, success: true });
}
