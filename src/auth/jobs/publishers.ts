// Which trusted publisher covers a job, and what that lets it do.
import { createClaims } from "../../core/claims.ts";
import type { TrustedPublisher } from "../../core/identity.ts";
import { Problem } from "../../core/problem.ts";
import { wildcard } from "../../core/wildcard.ts";
import type { Spelling } from "../permissions.ts";
import type { JobIdentity } from "./verify.ts";

export interface Wanted {
  /** One of them, or all of those that the publisher is trusted with, where the client does not say which. */
  repositories: readonly string[];
  /** Null where the client does not say it. */
  package: string | null;
}

export interface Found {
  publisher: TrustedPublisher;
  /** Those of the wanted ones that it is trusted with. */
  repositories: string[];
}

/** Runs for a proposed change run the proposer's code, under the name of the project that it is proposed to. */
const FOREIGN = /^(pull_request|external_pull_request|merge_request)/;
const EVENTS = ["event_name", "pipeline_source"];

/** The first that covers the job and what it wants. Throws Problem("forbidden") that says how near it came, without telling of others' claims. */
export function publisherFor(
  job: JobIdentity,
  wanted: Wanted,
  publishers: readonly TrustedPublisher[],
  spelling: Spelling = () => undefined,
): Found {
  const event = EVENTS.map((name) => job.claims[name]).find(
    (value) => typeof value === "string" && FOREIGN.test(value),
  );
  if (event !== undefined)
    throw refusal(
      `a run for "${event}" may not publish: its code is not the project's own`,
      "event",
    );
  const own = publishers.filter(({ issuer }) => issuer === job.issuer);
  const forUs = own.filter(({ audiences }) => audiences.includes(job.audience));
  if (forUs.length === 0)
    throw refusal(
      `it is for the audience "${job.audience.slice(0, 200)}", not for this server`,
      "audience",
    );
  const claiming = forUs.filter((publisher) => fits(publisher, job.claims));
  if (claiming.length === 0)
    throw refusal("no trusted publisher of its issuer has all of its claims", "claims");
  const there = claiming
    .map((publisher) => ({
      publisher,
      repositories: wanted.repositories.filter((name) => publisher.repositories.includes(name)),
    }))
    .filter(({ repositories }) => repositories.length > 0);
  if (there.length === 0) {
    const [one, ...more] = wanted.repositories;
    const where = one && more.length === 0 ? `the repository ${one}` : "a repository of this kind";
    throw refusal(`its publisher is not trusted with ${where}`, "repository");
  }
  const found = there.find(
    ({ publisher: { packages }, repositories: [repository] }) =>
      wanted.package === null ||
      createClaims(packages, spelling(repository!))(wanted.package) !== null,
  );
  if (!found) throw refusal(`its publisher is not trusted with ${wanted.package}`, "package");
  return found;
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
