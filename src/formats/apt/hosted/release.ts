// The Release of a suite that is published here. https://wiki.debian.org/DebianRepository/Format#A.22Release.22_files
import type { HostedSuites } from "../options.ts";

export interface NamedIndex {
  /** In the suite's folder: "main/binary-amd64/Packages.gz". */
  path: string;
  sha256: string;
  size: number;
}

/** `at`: milliseconds since the epoch. Fields whose change makes clients stop follow from the configuration alone. */
export function releaseText(
  suite: string,
  repository: string,
  options: HostedSuites,
  indices: readonly NamedIndex[],
  at: number,
): string {
  const { origin = repository, label = origin, components, architectures } = options;
  const widest = String(Math.max(...indices.map(({ size }) => size))).length;
  return [
    `Origin: ${origin}`,
    `Label: ${label}`,
    `Suite: ${suite}`,
    `Codename: ${suite}`,
    `Date: ${dateOf(at)}`,
    ...(options.validFor === undefined ? [] : [`Valid-Until: ${dateOf(at + options.validFor)}`]),
    ...(options.notAutomatic ? ["NotAutomatic: yes", "ButAutomaticUpgrades: yes"] : []),
    "Acquire-By-Hash: yes",
    `Architectures: ${architectures.join(" ")}`,
    `Components: ${components.join(" ")}`,
    "SHA256:",
    ...indices.map(
      ({ path, sha256, size }) => ` ${sha256} ${String(size).padStart(widest)} ${path}`,
    ),
    "",
  ].join("\n");
}

/** "Thu, 26 Nov 2026 18:00:00 UTC" */
function dateOf(at: number): string {
  return new Date(at).toUTCString().replace("GMT", "UTC");
}
