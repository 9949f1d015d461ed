// One generation of a suite that is published here: made whole, and then put in the place of the one before in one step.
import type { NewFile, Upload } from "../../../core/hosting.ts";
import { Problem } from "../../../core/problem.ts";
import { purl } from "../../../core/purl.ts";
import type { OwnedRepository } from "../../../core/repository.ts";
import { releaseId } from "../documents.ts";
import type { AptOptions, HostedSuites } from "../options.ts";
import { composeIndices, type MadeIndex, type Tools } from "./compose.ts";
import { releaseText } from "./release.ts";
import { clearSigned, type Keys } from "./signing.ts";
import {
  type GenerationMetadata,
  type Member,
  type SuiteState,
  suiteFolder,
} from "./suite-state.ts";

type Own = OwnedRepository<AptOptions>;

export interface Wanted {
  suite: string;
  /** Paths of all that belong to the suite, sorted. */
  members: string[];
  /** Those of which there is a file. */
  listed: readonly Member[];
  keys: Keys;
  /** What it is to say that it was made. Milliseconds since the epoch. */
  at: number;
  /** See `SuiteState`. */
  made: string;
  /** Indices that earlier generations have, by their SHA-256. */
  stored: ReadonlySet<string>;
  /** For the audit log. */
  detail: Record<string, unknown>;
}

export interface Composed {
  text: string;
  state: SuiteState;
  indices: MadeIndex[];
}

/** Everything of a generation but its being in service. */
export async function composeGeneration(
  own: Own,
  options: HostedSuites,
  { suite, members, listed, keys, at, made }: Wanted,
  tools: Tools,
): Promise<Composed> {
  const indices = await composeIndices(options, listed, tools);
  const text = releaseText(suite, own.name, options, indices, at);
  const inrelease = await clearSigned(text, keys, at);
  return { text, indices, state: { generation: releaseId(text), inrelease, at, made, members } };
}

/**
 * Puts a generation in the place of `before` (null: of none). When it resolves all of it is on the disk, and clients get it. Throws Problem("conflict") where
 * another one is in service by now.
 */
export async function commitGeneration(
  { hosting, name }: Own,
  { suite, stored, detail }: Wanted,
  { text, state, indices }: Composed,
  before: string | null,
): Promise<void> {
  const folder = suiteFolder(suite);
  const uploads: Upload[] = [];
  const files: NewFile[] = [];
  const known = new Set(stored);
  try {
    for (const { path, sha256, bytes } of indices) {
      if (!bytes || known.has(sha256)) continue;
      known.add(sha256);
      const upload = await hosting.receive(folder, once(bytes), bytes.length);
      uploads.push(upload);
      const id = `${purl("generic", `${name}/${folder}/${path}`)}?checksum=sha256:${sha256}`;
      const place = { kind: "index", purl: id, path: `/${folder}/${path}`, metadata: {} };
      files.push({ ...place, file: sha256, upload });
    }
    await hosting.publish({
      package: folder,
      version: state.generation,
      metadata: { text, at: state.at } satisfies GenerationMetadata,
      files,
      state(now) {
        if (((now as Partial<SuiteState>).generation ?? null) === before) return { ...state };
        throw new Problem("conflict", `${suite} of ${name} was published anew meanwhile`);
      },
      detail,
      isDerived: true,
    });
  } finally {
    for (const upload of uploads) await upload.discard();
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
