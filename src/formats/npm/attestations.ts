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
import type { CacheStatus, Reply } from "../../core/reply.ts";
import type { Repository } from "../../core/repository.ts";
import type { ProvenanceMetadata } from "./hosted.ts";
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
  if (repository.hosting.owns(name)) {
    const own = await ownAttestations(name, version, repository);
    if (!own) throw new Problem("notFound", `There are no attestations of ${name}@${version}`);
    return jsonReply(200, own, { hit: true });
  }
  repository.refuseClaimed(name);
  const { value, cache } = await askAttestations(name, version, repository);
  return jsonReply(200, value, cache);
}

/** Those of an upstream's version. Throws Problem("notFound") where it has none. */
export async function askAttestations(
  name: string,
  version: string,
  repository: Repository,
): Promise<{ value: unknown; cache: CacheStatus }> {
  const key = `attestations/${name}@${version}`;
  const kept = await repository.kept(key);
  if (kept && repository.now() - kept.at < MAX_AGE)
    return { value: parseJson(kept.bytes), cache: { hit: true } };

  const path = `-/npm/v1/attestations/${encodeName(name)}@${encodeURIComponent(version)}`;
  const answer = await tryAsk(repository, { path, package: name });
  const value = jsonOf(answer);
  if (!(answer instanceof Problem) && isObject(value) && Array.isArray(value["attestations"])) {
    await repository.keep(key, encodeJson(value));
    return { value, cache: forwarded(answer) };
  }
  if (kept) return { value: parseJson(kept.bytes), cache: fromKept(repository, kept.at, answer) };
  throw noAnswer(answer, `attestations of ${name}@${version}`);
}

/** Of a version that is published here: the bundle that came with it, in the form of an answer. */
export async function ownAttestations(
  name: string,
  version: string,
  repository: Repository,
): Promise<{ attestations: unknown[] } | null> {
  const hosted = await repository.hosting.read(name);
  const release = hosted?.releases.find((one) => one.version === version);
  const file = release?.files.find(({ kind }) => kind === "provenance");
  if (!file) return null;
  const { bundle } = file.metadata as ProvenanceMetadata;
  const { predicateType } = payloadOf(bundle);
  return { attestations: [{ predicateType, bundle }] };
}

function payloadOf(bundle: unknown): { predicateType: string } {
  const envelope = isObject(bundle) ? bundle["dsseEnvelope"] : null;
  const payload = isObject(envelope) ? envelope["payload"] : null;
  const statement = typeof payload === "string" ? parseJson(Buffer.from(payload, "base64")) : null;
  const type = isObject(statement) ? statement["predicateType"] : null;
  return { predicateType: typeof type === "string" ? type : "https://slsa.dev/provenance/v1" };
}
