// Files that are published by a command or through the API: handed to the repository's format, which alone can read them.
import type { Format, Service } from "../core/format.ts";
import type { Grant } from "../core/grant.ts";
import type { Given, GivenPublished } from "../core/hosting.ts";
import { Problem } from "../core/problem.ts";
import type { UnboundRepository } from "../core/repository.ts";

/** A repository that may take files. */
export interface TakingRepository {
  name: string;
  format: Pick<Format, "name" | "publishes">;
  service: Pick<Service, "publish">;
  repository: Pick<UnboundRepository, "for">;
}

/** Publishes what was given, as the grant's caller. Throws a Problem; then nothing of it is published. */
export async function publishGiven(
  { name, format, service, repository }: TakingRepository,
  grant: Grant,
  given: Given,
): Promise<GivenPublished[]> {
  if (!service.publish)
    throw new Problem(
      "methodNotAllowed",
      `${name} speaks ${format.name}, whose packages are published by its own clients alone`,
    );
  const known = Object.keys(format.publishes ?? {});
  const odd = Object.keys(given.values).find((key) => !known.includes(key));
  if (odd !== undefined)
    throw new Problem(
      "badRequest",
      `A repository of ${format.name} takes no ${odd}${known.length ? `, only ${known.join(", ")}` : ""}`,
    );
  return service.publish(given, repository.for(grant));
}
