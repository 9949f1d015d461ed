// Which Holdfast this is: its version, and how it was built where it is an executable.
import manifest from "../../package.json" with { type: "json" };

export interface Build {
  /** Of the sources, as git calls it; null where they came without git. */
  readonly commit: string | null;
  /** "linux-x64". */
  readonly target: string;
}

/** Put in place by scripts/build.ts, and nowhere else. */
declare const HOLDFAST_BUILD: Build | undefined;

/** Null when it runs from a checkout. */
export const build: Build | null = typeof HOLDFAST_BUILD === "undefined" ? null : HOLDFAST_BUILD;

export const { version } = manifest;

/** How people who read its messages start it. */
export const program = build ? "holdfast" : "./holdfast";

/** "holdfast 0.2.0", and of an executable the commit and the platform. */
export function versionText(): string {
  if (!build) return `holdfast ${version}`;
  const commit = build.commit ? `${build.commit}, ` : "";
  return `holdfast ${version} (${commit}${build.target})`;
}
