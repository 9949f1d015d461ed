// Which trusted publisher covers a job, and what that lets it do.
import { createClaims } from "../../core/claims.ts";
import type { TrustedPublisher } from "../../core/identity.ts";
import { Problem } from "../../core/problem.ts";
import { wildcard } from "../../core/wildcard.ts";
import type { JobIdentity } from "./verify.ts";

export interface Wanted {
  repository: string;
  package: string | null;
}

/** Runs for a proposed change run the proposer's code, under the name of the project that it is proposed to. */
const FOREIGN = /^(pull_request|external_pull_request|merge_request)/;
const EVENTS = ["event_name", "pipeline_source"];

/** The first that covers the job and what it wants. Throws Problem("forbidden") that says how near it came, without telling of others' claims. */
export function publisherFor(
  job: JobIdentity,
  wanted: Wanted,
  publishers: readonly TrustedPublisher[],
  isAudience: (publisher: TrustedPublisher, audience: string) => boolean,
  spell?: (name: string) => string,
): TrustedPublisher {
  const event = EVENTS.map((name) => job.claims[name]).find(
    (value) => typeof value === "string" && FOREIGN.test(value),
  );
  if (event !== undefined)
    throw refusal(
      `a run for "${event}" may not publish: its code is not the project's own`,
      "event",
    );
  const own = publishers.filter(({ issuer }) => issuer === job.issuer);
  const forUs = own.filter((publisher) => isAudience(publisher, job.audience));
  if (forUs.length === 0)
    throw refusal(
      `it is for the audience "${job.audience.slice(0, 200)}", not for this server`,
      "audience",
    );
  const claiming = forUs.filter((publisher) => fits(publisher, job.claims));
  if (claiming.length === 0)
    throw refusal("no trusted publisher of its issuer has all of its claims", "claims");
  const there = claiming.filter(({ repositories }) => repositories.includes(wanted.repository));
  if (there.length === 0)
    throw refusal(
      `its publisher is not trusted with the repository ${wanted.repository}`,
      "repository",
    );
  const found = there.find(
    ({ packages }) => wanted.package === null || createClaims(packages, spell)(wanted.package),
  );
  if (!found)
    throw refusal(
      `its publisher is not trusted with ${wanted.package} of ${wanted.repository}`,
      "package",
    );
  return found;
}

/** Repositories that a publisher of this job would be trusted with for a package, in the order of the configuration. */
export function repositoriesFor(
  job: JobIdentity,
  packageName: string | null,
  publishers: readonly TrustedPublisher[],
  isAudience: (publisher: TrustedPublisher, audience: string) => boolean,
): string[] {
  const found = publishers.filter(
    (publisher) =>
      publisher.issuer === job.issuer &&
      isAudience(publisher, job.audience) &&
      fits(publisher, job.claims) &&
      (packageName === null || createClaims(publisher.packages)(packageName) !== null),
  );
  return [...new Set(found.flatMap(({ repositories }) => repositories))];
}

/** Every claim is there as a single value, and is one of those that are written. */
function fits({ claims }: TrustedPublisher, told: Readonly<Record<string, unknown>>): boolean {
  const wanted = Object.entries(claims);
  return (
    wanted.length > 0 &&
    wanted.every(([name, texts]) => {
      const value = Object.hasOwn(told, name) ? told[name] : undefined;
      if (!["string", "number", "boolean"].includes(typeof value)) return false;
      return texts.some((text) => wildcard(text)(String(value)));
    })
  );
}

function refusal(why: string, rule: string): Problem {
  return new Problem("forbidden", `The job's identity token is refused: ${why}`, { rule });
}
