// Tells when what policy withheld is withheld no more: its time has come, a waiver or another configuration lets it through. No client need ask for it.
import { purl as makePurl } from "../core/purl.ts";
import type { Events } from "../ledger/events.ts";
import {
  forgetTold,
  keepTold,
  readTold,
  releasedEvent,
  type ToldPlace,
  type ToldRelease,
} from "../ledger/withheld.ts";
import type { Waiver } from "../policy/waiver.ts";
import type { Database } from "../store/database.ts";
import { explain, type PolicedRepository } from "./policy.ts";
import type { RecurringJob } from "./runner.ts";

export interface ReleasedDeps {
  events: Pick<Events, "reportFound">;
  database: Database;
  waivers: { revision(): number; all(): readonly Waiver[] };
  /** Another one when feeds tell something else of any package. */
  told: { revision(): number };
  now(): number;
}

const LOOK_MS = 10_000;
const PAGE = 200;
const START: ToldPlace = { repository: "", package: "", version: "" };

/** `policed`: the repositories that there are now; another list after each change of the configuration. */
export function watchReleases(
  policed: () => readonly PolicedRepository[],
  { events, database, waivers, told, now }: ReleasedDeps,
): RecurringJob {
  let before: { policed: readonly PolicedRepository[]; revision: number } | null = null;

  return {
    name: "The watch on what is withheld",
    everyMs: LOOK_MS,
    isForAll: true,
    async run() {
      const at = { policed: policed(), revision: waivers.revision() + told.revision() }; // both only rise
      const isSame = before?.policed === at.policed && before.revision === at.revision;
      const endedBy = isSame ? now() : null;
      for (let last: ToldPlace = START; ; ) {
        const page = await readTold(database.read, last, PAGE, endedBy);
        await look(page, at.policed);
        if (page.length < PAGE) break;
        last = page.at(-1)!;
      }
      before = at;
    },
  };

  async function look(
    page: readonly ToldRelease[],
    repositories: readonly PolicedRepository[],
  ): Promise<void> {
    const over: ToldRelease[] = [];
    for (const release of page) {
      const repository = repositories.find(({ name }) => name === release.repository);
      if (!repository) continue; // nobody has it any more, so nothing is let in
      const purl = makePurl(repository.purlType, release.package, release.version);
      const [found] = await explain(database.read, [repository], waivers.all(), now(), purl);
      if (!found?.withheld) over.push(release);
      else if (found.withheld.until !== release.endsAt)
        await database.write((sql) => keepTold(sql, release, found.withheld!));
    }
    for (const group of Map.groupBy(over, (one) => `${one.repository}\0${one.package}`).values()) {
      const { repository, package: name } = group[0]!;
      events.reportFound(repository, async (sql) => {
        const gone: string[] = [];
        for (const one of group) if (await forgetTold(sql, one)) gone.push(one.version);
        return gone.length > 0 ? [releasedEvent(name, gone)] : [];
      });
    }
  }
}
