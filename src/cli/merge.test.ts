import { expect, test } from "bun:test";
import { type Kind, kindOf, mergeSettings } from "./merge.ts";

const kinds: [file: string, want: Kind | null][] = [
  ["~/.npmrc", "pairs"],
  ["~/.config/go/env", "pairs"],
  ["~/.yarnrc", "words"],
  ["~/.config/pip/pip.conf", "ini"],
  ["pyproject.toml", "toml"],
  ["~/.yarnrc.yml", "yaml"],
  ["shell", null],
  ["~/.profile", null],
];
for (const [file, want] of kinds)
  test(`${file} is written as ${want}`, () => expect(kindOf(file)).toBe(want));

const merges: [what: string, kind: Kind, current: string, wanted: string, want: string][] = [
  ["into nothing", "pairs", "", "registry=http://h/npm/\n", "registry=http://h/npm/\n"],
  [
    "an own line between others",
    "pairs",
    "# mine\nregistry = http://old/\n//old/:_authToken=secret\n",
    "registry=http://h/npm/\n",
    "# mine\nregistry=http://h/npm/\n//old/:_authToken=secret\n",
  ],
  [
    "a new line after others, without a final line break",
    "pairs",
    "save-exact=true",
    "registry=http://h/npm/\n",
    "save-exact=true\nregistry=http://h/npm/\n",
  ],
  [
    "a comment is no setting",
    "pairs",
    "#registry=http://old/\n",
    "registry=http://h/npm/\n",
    "#registry=http://old/\nregistry=http://h/npm/\n",
  ],
  [
    "words",
    "words",
    '# yarn lockfile v1\nregistry "http://old/"\nlastUpdateCheck 17\n',
    'registry "http://h/npm/"\n',
    '# yarn lockfile v1\nregistry "http://h/npm/"\nlastUpdateCheck 17\n',
  ],
  [
    "a section that is there, before the next one",
    "ini",
    "[global]\ntimeout = 60\n\n[install]\nno-binary = x\n",
    "[global]\nindex-url = http://h/\n",
    "[global]\ntimeout = 60\nindex-url = http://h/\n\n[install]\nno-binary = x\n",
  ],
  [
    "a section that is not there",
    "ini",
    "[install]\nno-binary = x\n",
    "[global]\nindex-url = http://h/\n",
    "[install]\nno-binary = x\n\n[global]\nindex-url = http://h/\n",
  ],
  [
    "the same key of another section stays",
    "ini",
    "[search]\nindex-url = http://s/\n[global]\nindex-url = http://old/\n",
    "[global]\nindex-url = http://h/\n",
    "[search]\nindex-url = http://s/\n[global]\nindex-url = http://h/\n",
  ],
  [
    "an old value of several lines goes as a whole",
    "ini",
    "[global]\nindex-url =\n    http://a/?x=1\n    http://b/\ntimeout = 60\n",
    "[global]\nindex-url = http://h/\n",
    "[global]\nindex-url = http://h/\ntimeout = 60\n",
  ],
  [
    "indented TOML keys stay",
    "toml",
    '[install]\nregistry = "http://old/"\n  exact = true\n',
    '[install]\nregistry = "http://h/"\n',
    '[install]\nregistry = "http://h/"\n  exact = true\n',
  ],
  [
    "an entry of a TOML list that is ours gets the new address",
    "toml",
    '[[index]]\nurl = "http://other/"\nname = "other"\n\n[[index]]\nurl = "http://old/"\ndefault = true\n',
    '[[index]]\nurl = "http://h/"\ndefault = true\n',
    '[[index]]\nurl = "http://other/"\nname = "other"\n\n[[index]]\nurl = "http://h/"\ndefault = true\n',
  ],
  [
    "an entry of a TOML list that is not there yet",
    "toml",
    '[project]\nname = "x"\n',
    '[[tool.poetry.source]]\nname = "holdfast"\nurl = "http://h/"\n',
    '[project]\nname = "x"\n\n[[tool.poetry.source]]\nname = "holdfast"\nurl = "http://h/"\n',
  ],
  [
    "YAML with its comments, and lists with their entries",
    "yaml",
    "# mine\nnodeLinker: pnp\nunsafeHttpWhitelist:\n  - other\n",
    'npmRegistryServer: "http://h/npm"\nunsafeHttpWhitelist:\n  - "h"\n',
    "# mine\nnodeLinker: pnp\nunsafeHttpWhitelist:\n  - other\n  - h\nnpmRegistryServer: http://h/npm\n",
  ],
  ["YAML into nothing", "yaml", "", 'a: "b"\n', "a: b\n"],
];
for (const [what, kind, current, wanted, want] of merges)
  test(`${kind}: ${what}; a second time changes nothing`, () => {
    expect(mergeSettings(kind, current, wanted)).toBe(want);
    expect(mergeSettings(kind, want, wanted)).toBe(want);
  });

for (const current of ["a: [1\n", "- 1\n"])
  test(`YAML that is no mapping is left alone: ${JSON.stringify(current)}`, () =>
    expect(() => mergeSettings("yaml", current, "b: 1\n")).toThrow(RangeError));
