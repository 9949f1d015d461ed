// The index's JSON API: `/pypi/<name>/json` and `/pypi/<name>/<version>/json`, as the public index documents it.
import type {
  DocumentRef,
  Fact,
  Overlay,
  Source,
  StoredDocument,
  ViewRequest,
} from "../../core/document.ts";
import { type Withheld, withholdingOf } from "../../core/policy.ts";
import { Problem } from "../../core/problem.ts";
import { hashesOf, integrityOf, isObject, readEach, readHashes, type Skip } from "./json.ts";
import { traitsOf } from "./licence.ts";
import { isFileName, normalizeName, versionOfFile } from "./names.ts";
import { pageOf, resolveLocation } from "./resolve.ts";
import type { Hashes } from "./types.ts";
import { withVulnerabilities } from "./vulnerabilities.ts";
import { refuseBlocked, shownEntry } from "./withheld.ts";

/** One file, with everything else that the index says of it. */
interface ReleaseFile {
  filename: string;
  location: string;
  digests: Hashes;
  entry: Record<string, unknown>;
}

interface Release {
  /** `urls` are the files of one version; null when the index sends none. */
  urls: ReleaseFile[] | null;
  /** `releases` are the files of all versions; null on the page of one version. */
  releases: [version: string, files: ReleaseFile[]][] | null;
  /** All the other keys: `info`, `vulnerabilities`, `ownership`, `last_serial`. */
  rest: Record<string, unknown>;
}

function readFiles(value: unknown, path: string, skip: Skip): ReleaseFile[] {
  if (!Array.isArray(value)) throw new Problem("malformed", "The files of a release are no list");
  return readEach(value, (entry) => readFile(entry, path), skip);
}

function readFile(entry: unknown, path: string): ReleaseFile {
  const filename = isObject(entry) ? entry["filename"] : null;
  if (!isObject(entry) || typeof filename !== "string" || !isFileName(filename))
    throw new Problem("malformed", "A file of a release has no usable name");
  const url = entry["url"];
  const location = typeof url === "string" ? resolveLocation(url, path) : null;
  if (location === null) throw new Problem("malformed", `The URL of ${filename} cannot be fetched`);
  return { filename, location, digests: readHashes(entry["digests"], filename), entry };
}

async function readRelease(
  source: Source,
  ref: DocumentRef,
  skip: Skip = () => {},
): Promise<Release> {
  const value = await source.json();
  const info = isObject(value) ? value["info"] : null;
  if (!isObject(value) || !isObject(info))
    throw new Problem("malformed", `The answer is no release of ${ref.package}`);
  const name = info["name"];
  if (typeof name === "string" && normalizeName(name) !== ref.package)
    throw new Problem("malformed", `The answer is another project's than ${ref.package}'s`);
  const { urls, releases, ...rest } = value;
  if (releases !== undefined && releases !== null && !isObject(releases))
    throw new Problem("malformed", `The releases of ${ref.package} are no object`);
  const page = pageOf(ref);
  return {
    urls: urls === undefined || urls === null ? null : readFiles(urls, page, skip),
    releases: isObject(releases)
      ? Object.entries(releases).map(([version, files]) => [version, readFiles(files, page, skip)])
      : null,
    rest,
  };
}

/** What the answer says of each file, so that a digest that changes is seen here too. */
export async function releaseFacts(source: Source, ref: DocumentRef, skip?: Skip): Promise<Fact[]> {
  const release = await readRelease(source, ref, skip);
  const facts = new Map<string, Fact>();
  // What is said of one version is about the files that stand beside it.
  const told = new Set(release.urls?.map(({ filename }) => filename));
  const { info } = release.rest;
  const traits = isObject(info) ? traitsOf(info) : {};
  for (const files of [release.urls ?? [], ...(release.releases ?? []).map(([, all]) => all)])
    for (const { filename, location, digests, entry } of files)
      if (!facts.has(filename))
        facts.set(filename, {
          file: filename,
          version: versionOfFile(filename, ref.package),
          integrity: integrityOf(digests),
          location,
          ...(told.has(filename) && { traits }),
          ...(typeof entry["upload_time_iso_8601"] === "string" && {
            publishedAt: entry["upload_time_iso_8601"],
          }),
        });
  return [...facts.values()];
}

function shown(
  file: ReleaseFile,
  ref: DocumentRef,
  overlay: Overlay,
  base: string,
): Record<string, unknown> {
  const url = `${base}/files/${ref.package}/${encodeURIComponent(file.filename)}`;
  const state = Object.hasOwn(overlay, file.filename) ? overlay[file.filename]! : null;
  if (state?.state !== "tampered") return { ...file.entry, url };
  // Only the first digests are known here; a size or another digest would be the altered file's.
  const { size: _size, md5_digest: _md5, ...rest } = file.entry;
  return { ...rest, url, digests: hashesOf(state.integrity) };
}

/** What is said of the version that it is about: that it is yanked, where one of its files is held. */
function infoShown(info: unknown, urls: readonly ReleaseFile[], withheld: Withheld | undefined) {
  if (!isObject(info)) return info;
  const why = urls.map(({ filename }) => withholdingOf(withheld, filename)).find(Boolean);
  return shownEntry(info, why) ?? info;
}

/** The answer with every file's URL pointing here, and the rest as it is. */
export async function* renderRelease(
  { source, ref, overlay, withheld }: StoredDocument,
  view: ViewRequest,
): AsyncGenerator<string> {
  const { urls, releases, rest } = await readRelease(source, ref);
  const files = (list: ReleaseFile[]) =>
    list.flatMap(
      (file) =>
        shownEntry(shown(file, ref, overlay, view.base), withholdingOf(withheld, file.filename)) ??
        [],
    );
  if (urls)
    refuseBlocked(
      urls.map(({ filename }) => filename),
      withheld,
    );
  const info = infoShown(rest["info"], urls ?? [], withheld);
  const version = isObject(rest["info"]) ? rest["info"]["version"] : null;
  const vulnerabilities = withVulnerabilities(rest["vulnerabilities"], version, view.data);
  yield JSON.stringify({
    ...rest,
    info,
    ...(vulnerabilities !== undefined && { vulnerabilities }),
    ...(releases && {
      releases: Object.fromEntries(releases.map(([version, list]) => [version, files(list)])),
    }),
    ...(urls && { urls: files(urls) }),
  });
}
