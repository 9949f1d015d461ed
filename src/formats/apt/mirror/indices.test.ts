import { expect, test } from "bun:test";
import { type IndexPlan, wantedIndices } from "./indices.ts";

const RELEASE = `
contrib/binary-amd64/Packages.xz
main/binary-all/Packages.gz main/binary-all/Packages.xz main/binary-all/Packages
main/binary-amd64/Packages main/binary-amd64/Packages.gz main/binary-amd64/Packages.xz main/binary-amd64/Release
main/binary-amd64/Packages.diff/Index
main/binary-arm64/Packages.gz main/binary-arm64/Packages.bz2 main/binary-arm64/Packages
main/debian-installer/binary-amd64/Packages.xz main/debian-installer/binary-amd64/Release
main/Contents-amd64.gz main/Contents-arm64.gz main/Contents-source.gz main/Contents-udeb-amd64.gz Contents-amd64.gz
main/i18n/Translation-en.bz2 main/i18n/Translation-en main/i18n/Translation-de.gz main/i18n/Translation-de.xz
main/dep11/Components-amd64.yml.gz main/dep11/Components-amd64.yml.xz main/dep11/Components-arm64.yml.gz
main/dep11/icons-48x48.tar.gz main/dep11/icons-48x48@2.tar.gz main/dep11/icons-64x64.tar
main/dep11/CID-Index-amd64.json.gz main/dep11/CID-Index-arm64.json.gz
main/cnf/Commands-amd64.xz main/cnf/Commands-arm64.xz
main/source/Sources.xz main/source/Sources.gz main/source/Release
main/installer-amd64/current/images/SHA256SUMS
`
  .trim()
  .split(/\s+/);

const FLAT = ["Packages", "Packages.gz", "Sources.gz", "Release"];

const plan = (changes: Partial<IndexPlan>): IndexPlan => ({
  components: ["main"],
  architectures: ["amd64"],
  sources: false,
  ...changes,
});

const cases: [
  what: string,
  release: string[],
  plan: IndexPlan,
  first: string[],
  absent: string[],
][] = [
  [
    "one architecture of one component, one compression of each",
    RELEASE,
    plan({}),
    [
      "Contents-amd64.gz",
      "main/Contents-amd64.gz",
      "main/binary-all/Packages.xz",
      "main/binary-amd64/Packages.xz",
      "main/binary-amd64/Release",
      "main/cnf/Commands-amd64.xz",
      "main/dep11/CID-Index-amd64.json.gz",
      "main/dep11/Components-amd64.yml.xz",
      "main/dep11/icons-48x48.tar.gz",
      "main/dep11/icons-48x48@2.tar.gz",
      "main/dep11/icons-64x64.tar",
      "main/i18n/Translation-de.xz",
      "main/i18n/Translation-en.bz2",
    ],
    [],
  ],
  [
    "a Packages that is not in xz is taken in what apt would take next",
    RELEASE.filter((path) => path.includes("binary-arm64")),
    plan({ architectures: ["arm64"] }),
    ["main/binary-arm64/Packages.bz2"],
    [],
  ],
  [
    "sources",
    RELEASE.filter((path) => /ource/.test(path)),
    plan({ architectures: [], sources: true }),
    ["main/Contents-source.gz", "main/source/Release", "main/source/Sources.xz"],
    [],
  ],
  [
    "the installer's packages only when they are named",
    RELEASE.filter((path) => /installer|udeb/.test(path)),
    plan({ components: ["main/debian-installer"] }),
    [
      "main/Contents-udeb-amd64.gz",
      "main/debian-installer/binary-amd64/Packages.xz",
      "main/debian-installer/binary-amd64/Release",
    ],
    [],
  ],
  [
    "all that there is, without the installer's",
    RELEASE.filter((path) => path.includes("Packages")),
    plan({ components: [], architectures: [] }),
    [
      "contrib/binary-amd64/Packages.xz",
      "main/binary-all/Packages.xz",
      "main/binary-amd64/Packages.xz",
      "main/binary-arm64/Packages.bz2",
    ],
    [],
  ],
  [
    "what is asked for by name and is not there",
    ["main/binary-amd64/Packages.xz"],
    plan({ components: ["main", "extra"], sources: true }),
    ["main/binary-amd64/Packages.xz"],
    ["main/source/Sources", "extra/binary-amd64/Packages", "extra/source/Sources"],
  ],
  ["a flat repository", FLAT, plan({}), ["Packages.gz"], []],
  [
    "a flat repository with sources",
    FLAT,
    plan({ sources: true }),
    ["Packages.gz", "Sources.gz"],
    [],
  ],
];

for (const [what, release, wanted, first, absent] of cases) {
  test(what, () => {
    const indices = wantedIndices(release, wanted);
    expect([...indices.found.values()].map(([path]) => path!).sort()).toEqual([...first].sort());
    expect(indices.absent).toEqual(absent);
  });
}

test("the other compressions stand behind, for an upstream that does not have the first", () => {
  const { found } = wantedIndices(RELEASE, plan({}));
  expect(found.get("main/binary-amd64/Packages")).toEqual([
    "main/binary-amd64/Packages.xz",
    "main/binary-amd64/Packages.gz",
    "main/binary-amd64/Packages",
  ]);
});
