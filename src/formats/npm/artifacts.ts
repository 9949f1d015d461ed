// What a tarball must be where a document tells no digest of it: a gzipped tar, to its end.
import { checkTar } from "../../archive/check.ts";
import type { ArtifactType } from "../../core/artifact.ts";

export const artifacts: Record<"tarball" | "provenance", ArtifactType | null> = {
  /** What comes beside a tarball that is published here, and from no upstream. */
  provenance: null,
  tarball: { check: (file) => checkTar(file, "tarball.tar.gz") },
};
