// Who may read, in a sentence: said by doctor, and when the server starts.
import type { AccessRules, Granted } from "../core/access.ts";
import type { Finding } from "./finding.ts";

/** `warning` where nobody may use a server that was surely made to be used. `stored`: what commands gave beside the configuration, where that is known. */
export function accessWords(
  { anonymous, grants, isLocal }: AccessRules,
  stored: readonly Granted[] = [],
): Pick<Finding, "state" | "text"> {
  const given = stored.filter(({ holder }) => holder === "anonymous");
  if (anonymous === null && isLocal)
    return {
      state: "good",
      text: "whoever is on this machine may read everything, without a name (access.anonymous is not set)",
    };
  if (anonymous === null && given.length === 0)
    return {
      state: "warning",
      text: "nobody may read without a name, since the server listens beyond this machine: `access: { anonymous: read }` lets everybody read, `anonymous: none` says that it is meant so",
    };
  const open = [...(anonymous ?? []), ...given];
  if (open.length === 0)
    return {
      state: "good",
      text: `only who is logged in may read, as far as their grants go${grants.length + stored.length ? "" : " (holdfast grant list)"}`,
    };
  const isAll = open.some(
    ({ repositories, packages }) => repositories === null && packages === null,
  );
  const where = [...(anonymous?.length ? ["access.anonymous"] : []), ...given.map(sourceOf)];
  return {
    state: "good",
    text: isAll
      ? `everybody may read everything, without a name (${where.join(", ")})`
      : `everybody may read a part, without a name (${where.join(", ")}); the rest is for who is logged in`,
  };
}

function sourceOf({ source }: Granted): string {
  return source;
}
