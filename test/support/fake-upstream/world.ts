// What the fake registries hold, as tables: enough packages, in enough shapes, for every client to install a tree of them.

/** `name version | dependencies | more`: one line a version, oldest first; "more" is JSON that is merged into the manifest. */
export const npmTable = `
left-pad 1.2.0 |
left-pad 1.3.0 |
tide 1.0.0 |
tide 1.1.0 |
tide 2.0.0-beta.1 |
kelp 1.0.0 | tide@^1.0.0 left-pad@^1.2.0
kelp 1.2.0 | tide@^1.1.0 left-pad@^1.2.0
kelp 2.0.0 | tide@^1.1.0 left-pad@^1.3.0 holdfast-root@~1.0.0
holdfast-root 1.0.0 |
holdfast-root 1.0.3 |
holdfast-root 1.1.0 |
@reef/coral 1.0.0 | tide@^1.0.0
@reef/coral 1.4.2 | tide@^1.0.0 @reef/polyp@^3.0.0
@reef/polyp 3.0.0 |
@reef/polyp 3.1.0 | left-pad@^1.0.0
@reef/anemone 0.9.0 | @reef/coral@^1.0.0 clownfish@*
clownfish 0.1.0 |
clownfish 0.2.0 | | {"deprecated":"clownfish moved to anemone"}
clownfish 0.3.0 |
barnacle 1.0.0 | chalk-line@^4.0.0 | {"bin":{"barnacle":"cli.js"}}
chalk-line 4.0.0 | ansi-wave@^6.0.0
chalk-line 4.1.2 | ansi-wave@^6.0.0 tide@^1.0.0
ansi-wave 6.0.0 | color-sea@^2.0.0
ansi-wave 6.2.1 | color-sea@^2.0.0
color-sea 2.0.1 | color-shell@~1.1.4
color-shell 1.1.4 |
mussel 1.0.0 | ms-clock@2.1.2
mussel 1.1.0 | ms-clock@^2.1.3
ms-clock 2.1.2 |
ms-clock 2.1.3 |
urchin 5.0.0 | once-only@^1.3.0 wrap-up@1
once-only 1.4.0 | wrap-up@1
wrap-up 1.0.2 |
driftwood 0.0.1 |
driftwood 3.2.1 | kelp@^1.0.0 urchin@^5.0.0 mussel@^1.0.0
plankton 1.0.0 |
plankton 1.0.1 |
plankton 1.0.2 |
plankton 2.0.0 | | {"engines":{"node":">=18"}}
lantern 1.0.0 | plankton@^2.0.0 safe-harbour@5.2.1 in-herits@2.0.4
safe-harbour 5.2.1 |
in-herits 2.0.4 |
seal 7.0.0 | lru-shell@^6.0.0
lru-shell 6.0.0 | y-allist@^4.0.0
y-allist 4.0.0 |
buoy 1.0.0 | seal@^7.0.0 lantern@^1.0.0 barnacle@^1.0.0 @reef/anemone@^0.9.0
harbor-kit 1.0.0 | buoy@^1.0.0 driftwood@^3.0.0 kelp@^2.0.0 | {"bin":"cli.js"}
optional-sand 1.0.0 | | {"os":["!linux","!darwin","!win32"]}
Legacy_Name 0.0.2 |
`;

/** Tags other than "latest", which is the newest version that is not a prerelease. */
export const npmTags: Record<string, Record<string, string>> = {
  tide: { next: "2.0.0-beta.1" },
  kelp: { legacy: "1.2.0" },
};

/** Packages that the fake registry knows an advisory for: by name, the range. */
export interface NpmFlaw {
  range: string;
  title: string;
  severity: string;
  id?: number;
  url?: string;
}

export const npmAdvisories: Record<string, NpmFlaw> = {
  "ms-clock": { range: "<2.1.3", title: "Clock runs backwards", severity: "high" },
};

/** `project version | requirements | options`. Every version has a wheel; "sdist" adds one. */
export const pypiTable = `
abyss 1.0 |
abyss 1.1 | | {"yanked":"leaks water"}
abyss 1.2 |
brine 2.0.0 | abyss>=1.0
brine 2.1.0 | abyss>=1.0, coral-reef<3 | {"requiresPython":">=3.8"}
coral-reef 2.4 | | {"sdist":true,"display":"Coral.Reef"}
coral-reef 3.0 | | {"requiresPython":">=3.8","display":"Coral.Reef"}
delta-stream 0.1.0 |
delta-stream 0.2.0 | estuary>=1 | {"requiresPython":">=4.0"}
delta-stream 0.1.5 | estuary>=1
estuary 1.0.0 |
estuary 1.0.1 |
estuary 2.0.0rc1 |
fjord 1.26.0 | estuary<2,>=1.0, glacier, harbour
glacier 3.4 |
harbour 2024.2.2 |
inlet 2.31.0 | fjord<2, glacier>=3, harbour, brine[salt]>=2 | {"sdist":true}
jetty 1.0 | markup-shell>=2.0
markup-shell 2.0 | | {"provenance":true}
markup-shell 2.1.5 | | {"provenance":true}
kayak 3.0.0 | jetty>=1, inlet, lagoon>=8
lagoon 8.1.7 |
mangrove 0.0.1 | | {"status":"archived"}
nautilus 1.0 | | {"status":"quarantined","reason":"malware"}
oyster 1.0 | kayak, lagoon, delta-stream
plain-page 1.0 | | {"bare":true}
`;

/** `module version | requirements | options`. Case as the import path has it. */
export const goTable = `
example.test/anchor v1.0.0 |
example.test/anchor v1.1.0 |
example.test/anchor v1.2.0-rc.1 |
example.test/bell v0.3.0 | example.test/anchor v1.0.0
example.test/Capstan/Deck v1.0.0 | example.test/bell v0.3.0
example.test/old/wreck v2.1.0+incompatible | | {"noMod":true}
example.test/rope v1.5.0 | example.test/anchor v1.1.0
example.test/rope v1.5.2 | example.test/anchor v1.1.0
example.test/rope/v2 v2.0.0 | example.test/rope v1.5.2
example.test/sail v0.0.0-20240301120000-abcdef123456 | example.test/rope/v2 v2.0.0
example.test/keel v1.0.0 | example.test/sail v0.0.0-20240301120000-abcdef123456, example.test/Capstan/Deck v1.0.0
example.test/hull v1.4.0 | example.test/keel v1.0.0, example.test/old/wreck v2.1.0+incompatible
example.test/retracted v1.0.0 |
example.test/retracted v1.0.1 | | {"retract":"v1.0.0"}
`;

export interface Row {
  name: string;
  version: string;
  requires: string[];
  more: Record<string, unknown>;
  /** When it was published. Versions of one name are thirty days apart, so that an upload date can separate them. */
  time: Date;
}

export function readTable(table: string, separator: RegExp): Row[] {
  const seen = new Map<string, number>();
  return table
    .trim()
    .split("\n")
    .map((line) => {
      const [head = "", requires = "", more = ""] = line.split("|").map((part) => part.trim());
      const [name = "", version = ""] = head.split(" ");
      const nth = seen.get(name) ?? 0;
      seen.set(name, nth + 1);
      return {
        name,
        version,
        requires: requires ? requires.split(separator) : [],
        more: more ? (JSON.parse(more) as Record<string, unknown>) : {},
        time: new Date(Date.UTC(2024, 0, 1 + 30 * nth, 12, 30, 15)),
      };
    });
}
