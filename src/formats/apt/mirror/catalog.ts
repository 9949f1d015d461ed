// What is stored of a repository, asked for once, so that a run over many thousand files needs no query for each.
import type { Artifact, StoredArtifactRow } from "../../../core/artifact.ts";

export interface Catalog {
  get(artifact: Artifact): StoredArtifactRow | undefined;
}

export function catalogOf(rows: readonly StoredArtifactRow[]): Catalog {
  const byName = new Map(rows.map((row) => [`${row.package}\0${row.file}`, row]));
  return { get: (artifact) => byName.get(`${artifact.package}\0${artifact.file}`) };
}
