// The JSON API's answers about what is published here, as an upstream would send them.
import type { DocumentRef } from "../../core/document.ts";
import type { HostedFile, HostedPackage, HostedRelease } from "../../core/hosted.ts";
import { Problem } from "../../core/problem.ts";
import { uploadTime } from "./compose-page.ts";
import { distributionOf } from "./distribution.ts";
import type { Inside } from "./inside.ts";
import type { FileMetadata } from "./types.ts";
import { canonicalVersion, compareVersions, isPrerelease } from "./versions.ts";

/** Kept of each release. Descriptions are not: they are long, and stand in the metadata of the file. */
export type ReleaseInfo = Record<string, string | string[] | Record<string, string> | null>;

const ONE = [
  "author",
  "author_email",
  "description_content_type",
  "home_page",
  "keywords",
  "license",
  "license_expression",
  "maintainer",
  "maintainer_email",
  "requires_python",
  "summary",
];
const MANY: [key: string, field: string][] = [
  ["classifiers", "classifier"],
  ["dynamic", "dynamic"],
  ["license_files", "license-file"],
  ["provides_extra", "provides-extra"],
  ["requires_dist", "requires-dist"],
];
/** Of one field, in characters, and how many of one kind. */
const LONGEST = 10_000;
const MOST = 1_000;

const short = (value: string | undefined) => value?.trim().slice(0, LONGEST) ?? null;

/** What the JSON API says of a release, from its metadata. */
export function releaseInfo({ name, version, fields }: Inside): ReleaseInfo {
  const all = (field: string) => (fields.get(field) ?? []).slice(0, MOST).map((it) => short(it)!);
  const urls = all("project-url").flatMap((line) => {
    const at = line.indexOf(",");
    return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()] as const] : [];
  });
  return {
    name,
    version,
    ...Object.fromEntries(
      ONE.map((key) => [key, short(fields.get(key.replaceAll("_", "-"))?.[0])]),
    ),
    ...Object.fromEntries(MANY.map(([key, field]) => [key, all(field)])),
    project_urls: Object.fromEntries(urls),
  };
}

/** See `DocumentType.compose`. The key is that of `releaseRef`. */
export function composeRelease(hosted: HostedPackage, ref: DocumentRef): string {
  const wanted = ref.key.includes("/") ? ref.key.slice(ref.key.indexOf("/") + 1) : null;
  const all = hosted.releases.filter(({ files }) => files.some(isDistribution));
  const release = wanted === null ? newest(all) : all.find((it) => isSame(it.version, wanted));
  if (!release)
    throw new Problem(
      "notFound",
      `${hosted.name}${wanted === null ? "" : ` ${wanted}`} is not published here`,
    );
  return JSON.stringify({
    info: {
      ...(release.metadata as ReleaseInfo),
      yanked: release.yanked !== null,
      yanked_reason: release.yanked || null,
    },
    last_serial: hosted.revision,
    ...(wanted === null && {
      releases: Object.fromEntries(all.map((it) => [it.version, filesOf(it, hosted.name)])),
    }),
    urls: filesOf(release, hosted.name),
    vulnerabilities: [],
  });
}

const isDistribution = ({ kind }: HostedFile) => kind === "distribution";
const isSame = (a: string, b: string) => canonicalVersion(a) === canonicalVersion(b);

/** As installers choose: none that is yanked, and no pre-release while there are others. */
function newest(releases: HostedRelease[]): HostedRelease | undefined {
  const rank = ({ version, yanked }: HostedRelease) =>
    (yanked === null ? 2 : 0) + (isPrerelease(version) ? 0 : 1);
  return releases.toSorted((a, b) => rank(b) - rank(a) || compareVersions(b.version, a.version))[0];
}

function filesOf({ files, yanked }: HostedRelease, project: string) {
  return files.filter(isDistribution).map((file) => {
    const { requiresPython, digests } = file.metadata as FileMetadata;
    const { type = "sdist" } = distributionOf(file.file, project) ?? {};
    return {
      filename: file.file,
      url: `../../files/${project}/${encodeURIComponent(file.file)}`,
      digests: { ...digests, sha256: file.sha256 },
      packagetype: type,
      python_version: type === "sdist" ? "source" : (file.file.split("-").at(-3) ?? ""),
      requires_python: requiresPython,
      size: file.size,
      upload_time_iso_8601: uploadTime(file.publishedAt),
      yanked: yanked !== null,
      yanked_reason: yanked || null,
    };
  });
}
