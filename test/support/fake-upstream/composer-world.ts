// What the fake Packagist and the fake Satis hold, as tables: small real PHP packages in every shape that Composer knows.

/**
 * `name | requirements | options`. Options: `versions` (newest last), `type` of the package, `dist` ("tar", "xz", "file", "path", or "elsewhere": on a
 * host that nobody allowed), `references` ("named": not hexadecimal), `weight` (bytes that it carries), and what is merged into composer.json.
 */
export const composerTable = `
reef/coral | |
reef/polyp | reef/coral:^1.0 |
reef/anemone | reef/polyp:^1.0 harbour/rope:^1.0 |
harbour/rope | | {"provide":{"harbour/line-implementation":"1.0"}}
harbour/anchor | harbour/rope:^1.1 harbour/line-implementation:* | {"bin":["bin/tool"]}
harbour/kit | harbour/anchor:^1.0 reef/anemone:^1.0 deep/lantern:^1.0 deep/trench-wall:^1.0 | {"type":"metapackage"}
deep/sea_floor | |
deep/trench-wall | deep/sea_floor:^1.0 deep/ooze.mud:^1.0 |
deep/ooze.mud | php:>=7.2 |
deep/lantern | | {"dist":"tar"}
deep/oyster | reef/coral:^1.0 |
isle/palm | | {"versions":["1.0.0","dev-main","dev-feature/leaf"]}
isle/shell | | {"references":"named"}
isle/wreck | | {"abandoned":"isle/palm","versions":["1.0.0"]}
isle/whale | | {"weight":600000,"versions":["1.0.0","1.1.0"]}
isle/far | | {"dist":"elsewhere","versions":["1.0.0"]}
acme/secret | reef/coral:^1.0 | {"versions":["1.0.0","9.9.9"]}
`;

/** The repository of a company, behind a password. The first stands in packages.json itself, the others in an include file. */
export const satisTable = `
dock/crane | | {"versions":["1.0.0","1.1.0","dev-main"]}
dock/winch | dock/crane:^1.0 | {"versions":["1.0.0","1.1.0"]}
dock/hoist | dock/winch:^1.0 | {"dist":"tar","versions":["1.0.0"]}
dock/tool | | {"dist":"file","versions":["1.0.0"],"bin":["tool.phar"]}
dock/valve | | {"dist":"xz","versions":["1.0.0"]}
dock/gantry | | {"dist":"path","versions":["1.0.0"]}
`;

/** Advisories from the start: by name, the range. */
export const composerAdvisories: Record<string, string> = { "deep/oyster": "<1.1.0" };

/** What the list of malware says, by name. */
export const composerMalware: Record<string, Record<string, string>> = {
  "isle/wreck": {
    constraint: ">=9.0,<9.1",
    url: "https://advisories.example.test/2001",
    reason: "steals the rigging",
    id: "PKFE-0001",
  },
};

const ORDINARY = ["1.0.0", "1.1.0", "2.0.0-beta1", "dev-main"];

export interface ComposerRow {
  name: string;
  version: string;
  requires: Record<string, string>;
  options: ComposerOptions;
  /** Versions of one name are thirty days apart. */
  time: Date;
}

export interface ComposerOptions {
  type?: string;
  dist?: "zip" | "tar" | "xz" | "file" | "path" | "elsewhere";
  references?: "named";
  weight?: number;
  /** Merged into composer.json. */
  more?: Record<string, unknown>;
}

export function readComposerTable(table: string): ComposerRow[] {
  return table
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [name = "", links = "", text = ""] = line.split("|").map((part) => part.trim());
      const { versions, type, dist, references, weight, ...more } = JSON.parse(
        text || "{}",
      ) as ComposerOptions & { versions?: string[] };
      const requires = Object.fromEntries(
        links
          .split(" ")
          .filter(Boolean)
          .map((link) => link.split(":") as [string, string]),
      );
      const options: ComposerOptions = {
        ...(type && { type }),
        ...(dist && { dist }),
        ...(references && { references }),
        ...(weight && { weight }),
        more,
      };
      return (versions ?? ORDINARY).map((version, nth) => ({
        name,
        version,
        requires,
        options,
        time: new Date(Date.UTC(2024, 0, 1 + 30 * nth, 12, 30, 15)),
      }));
    });
}
