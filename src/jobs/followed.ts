// What is withheld of some packages, for a server in another site that is to say the same of them.
import { createHash } from "node:crypto";
import { readFeeds } from "../advisories/rows.ts";
import { compareOf } from "../cache/history.ts";
import { releaseOf, type Withholding } from "../core/policy.ts";
import { everyFact } from "../ledger/fact-rows.ts";
import { suspected } from "../policy/compare.ts";
import type { Waiver } from "../policy/waiver.ts";
import type { Query } from "../store/database.ts";
import { list } from "../store/several.ts";
import { type NamedRelease, type PolicedRepository, policyOf, verdictOn } from "./policy.ts";

/** Each release once, by its version; packages of which nothing is withheld are left out. */
export async function withheldOf(
  sql: Query,
  repository: PolicedRepository,
  waivers: readonly Waiver[],
  now: number,
  names: readonly string[],
): Promise<Map<string, Withholding[]>> {
  const found = new Map<string, Withholding[]>();
  const policy = policyOf(sql, repository, waivers);
  if (!policy.concerns(null)) return found;
  // What is published here is its owners' to take back.
  const rows = await sql`SELECT package FROM hosted_packages
    WHERE repository = ${repository.name} AND package IN (${list(names)})`;
  const hosted = new Set(rows.map((row: { package: string }) => row.package));
  for (const name of names) {
    if (hosted.has(name)) continue;
    const compared = await compareOf(sql, repository.name, name, policy, now);
    const told = new Map<string, Withholding>();
    for await (const release of releasesOf(sql, repository, name)) {
      if (told.has(release.version)) continue;
      const why = await verdictOn(policy, suspected(release, compared), now);
      if (why) told.set(release.version, why);
    }
    if (told.size > 0) found.set(name, [...told.values()]);
  }
  return found;
}

/**
 * Another text once policy may say something else of a release: by rules, waivers and advisories. The same on every server of one catalog, and after a
 * restart. Asked for before what is withheld, and with the same waivers, it is never of more than that.
 */
export async function policyStampOf(
  sql: Query,
  version: string,
  repositories: readonly Pick<PolicedRepository, "name" | "rules">[],
  waivers: readonly Waiver[],
  now: number,
): Promise<string> {
  const feeds = await readFeeds(sql);
  const said = [
    version,
    repositories.map(({ name, rules }) => [name, rules]),
    waivers.map((one) => [one, one.until !== null && one.until <= now]),
    // Not when each was last asked: that it had nothing new changes nothing.
    feeds.map(({ name, wholeAt, newestAt, records, etag, deltaTo }) => [
      ...[name, wholeAt, newestAt, records, etag, deltaTo],
    ]),
  ];
  return createHash("sha256").update(JSON.stringify(said)).digest("base64url");
}

/** What documents name, and what was fetched. */
async function* releasesOf(
  sql: Query,
  { name: repository, factNames }: PolicedRepository,
  packageName: string,
): AsyncGenerator<NamedRelease> {
  const rows =
    await sql`SELECT file, version FROM artifacts WHERE repository = ${repository} AND package = ${packageName}`;
  const beside = rows.flatMap(
    ({ file }: { file: string }) => factNames?.beside?.(packageName, file) ?? [],
  );
  const names = [packageName, ...new Set<string>(beside)];
  for (const { named } of factNames?.under(packageName, "") ?? [{ named: packageName }])
    for await (const facts of everyFact(sql, repository, named))
      for (const fact of facts)
        if (!factNames || factNames.whose(named, fact.file) === packageName)
          yield { ...releaseOf(packageName, fact), names };
  for (const { version } of rows) yield { package: packageName, version, publishedAt: null, names };
}
