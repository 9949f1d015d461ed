// The repositories of a configuration as far as room is made in them: what goes must be able to come again.
import { Problem } from "../core/problem.ts";
import type { Roomy } from "../jobs/room.ts";
import type { Generation } from "./generation.ts";
import type { Held } from "./mounts.ts";

/** `kept`: why nothing at all may be removed; null where it may. */
export function roomyOf(
  { config, held, own }: Pick<Generation, "config" | "held" | "own">,
  kept: () => string | null,
): Roomy[] {
  return held.map((one, at) => {
    const { repository, service } = own[at]!;
    return {
      name: one.name,
      quota: config.repositories.find(({ name }) => name === one.name)?.quota ?? null,
      whyNot: () => kept() ?? whyNot(one),
      async keeps({ package: name, version, file, sha256 }) {
        if (!service.keeps) return false;
        try {
          return await service.keeps({ package: name, version, file, sha256 }, repository);
        } catch (error) {
          if (error instanceof Problem) return true; // what cannot be told is no reason to remove anything
          throw error;
        }
      },
    };
  });
}

/** What it is built on has it of somebody as well, or it does not come again. */
function whyNot({ offline, hasUpstreams, isHostedOnly, upstreams, bases }: Held): string | null {
  if (isHostedOnly || !hasUpstreams) return "nothing in it was fetched";
  if (offline) return "it is offline, and nothing could be fetched again";
  const away = upstreams().find(({ isAway }) => isAway);
  if (away) return `${away.host} cannot be reached now, and nothing could be fetched again`;
  for (const base of bases) {
    const reason = base.isHostedOnly ? null : whyNot(base);
    if (reason) return `of ${base.name}, which it is built on: ${reason}`;
  }
  return null;
}
