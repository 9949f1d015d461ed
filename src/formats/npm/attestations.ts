// Provenance and publish attestations of a release, kept beside it. GET /-/npm/v1/attestations/<name>@<version>

import {
  encodeJson,
  forwarded,
  fromKept,
  jsonOf,
  jsonReply,
  noAnswer,
  parseJson,
  tryAsk,
} from "../../core/answers.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import { encodeName } from "./names.ts";
import { isObject } from "./types.ts";

/** Attestations of a version do not change; more can be added. */
const MAX_AGE = 24 * 60 * 60 * 1000;

/** The newest attestations seen. They outlive the upstream, also when it stops showing them. */
export async function serveAttestations(
  name: string,
  version: string,
  repository: Repository,
): Promise<Reply> {
  repository.refuseClaimed(name);
  const key = `attestations/${name}@${version}`;
  const kept = await repository.kept(key);
  if (kept && repository.now() - kept.at < MAX_AGE)
    return jsonReply(200, parseJson(kept.bytes), { hit: true });

  const path = `-/npm/v1/attestations/${encodeName(name)}@${encodeURIComponent(version)}`;
  const answer = await tryAsk(repository, { path, package: name });
  const value = jsonOf(answer);
  if (!(answer instanceof Problem) && isObject(value) && Array.isArray(value["attestations"])) {
    await repository.keep(key, encodeJson(value));
    return jsonReply(200, value, forwarded(answer));
  }
  if (kept) return jsonReply(200, parseJson(kept.bytes), fromKept(repository, kept.at, answer));
  throw noAnswer(answer, `attestations of ${name}@${version}`);
}
