// The upstream answered, but with neither the thing nor a no.
import { Problem } from "../core/problem.ts";
import type { UpstreamResponse } from "../core/upstream.ts";

/** An answer that is neither yes nor no. 403 and 451 are how countries and licences are blocked; 401 is a missing password. */
export function refusal(response: UpstreamResponse): Problem {
  return new Problem(
    "refused",
    `Blocked by the upstream ${response.upstream}: it answered ${response.status}`,
  );
}
