// Which hooks want to be told of something. Pure.
import { alarmedEvents } from "../core/alarm.ts";
import { createClaims } from "../core/claims.ts";
import { NO_REPOSITORY } from "../core/event.ts";
import type { HookWish, Told } from "../core/hook.ts";
import { wildcard } from "../core/wildcard.ts";

/** The one spelling of a repository's package names. */
export type Spelling = (repository: string) => ((name: string) => string) | undefined;

export type Wants = (told: Pick<Told, "type" | "repository" | "package" | "detail">) => boolean;

export function wantsOf({ types, repositories, packages }: HookWish, spelling: Spelling): Wants {
  const isRepository = repositories?.map(wildcard);
  /** By repository: patterns are brought to its spelling. */
  const claims = new Map<string, ReturnType<typeof createClaims>>();
  const isPackage = (repository: string, name: string) => {
    let covers = claims.get(repository);
    if (!covers) {
      covers = createClaims(packages!, spelling(repository));
      claims.set(repository, covers);
    }
    return name !== "" && covers(name) !== null;
  };
  /** Of what it is told of by itself already. */
  const isRepeated = ({ type, detail }: Pick<Told, "type" | "detail">) => {
    if (type !== "alarm" && type !== "alarm-over") return false;
    const rule = String(detail?.["rule"]);
    return Object.hasOwn(alarmedEvents, rule)
      ? alarmedEvents[rule as keyof typeof alarmedEvents].every((kind) => types.has(kind))
      : false;
  };
  return ({ type, repository, package: name, detail }) =>
    types.has(type) &&
    !isRepeated({ type, detail }) &&
    (!isRepository ||
      (repository !== NO_REPOSITORY && isRepository.some((matches) => matches(repository)))) &&
    (packages === null || isPackage(repository, name));
}
