import { expect, test } from "bun:test";
import { namesIn, namesInFolder } from "./private-names.ts";

const paths: [path: string, names: string[]][] = [
  ["pool/main/a/acme-tool/acme-tool_1.0_amd64.deb", ["acme-tool", "acme-tool_1.0_amd64"]],
  ["pool/main/a/acme-tool/libacme1_1.0_amd64.deb", ["acme-tool", "libacme1", "libacme1_1.0_amd64"]],
  ["pool/main/libt/libtide/libtide0_1_all.deb", ["libtide", "libtide0", "libtide0_1_all"]],
  ["pool/acme/tool_1_all.deb", ["acme", "tool", "tool_1_all"]],
  ["pool/updates/main/a/acme/acme_1.dsc", ["main", "acme", "acme_1"]],
  ["ubuntu/pool/main/a/acme/tool.deb", ["ubuntu", "acme", "tool.deb", "tool"]],
  ["acme-tool.deb", ["acme-tool"]],
  ["x86_64/tool_1.deb", ["x86_64", "tool", "tool_1"]],
  ["dists/acme/main/binary-amd64/Packages.xz", ["acme"]],
  ["dists/acme/main/installer-amd64/current/images/netboot/mini.iso", ["acme"]],
  ["dists/acme/pool/stable/x_1_all.deb", ["acme", "stable", "x", "x_1_all"]],
  ["ubuntu2204/x86_64/Packages", ["ubuntu2204", "x86_64"]],
];

for (const [path, names] of paths)
  test(`namesIn(${path})`, () =>
    expect(namesIn(path).filter((name) => name !== path)).toEqual(names));

const folders: [folder: string, names: string[]][] = [
  [".", []],
  ["dists", []],
  ["dists/acme", ["acme"]],
  ["dists/stable/updates", ["stable"]],
  ["acme/x86_64", ["acme", "x86_64"]],
  ["pool/main/libt", []],
  ["pool/main/a/acme-tool", ["acme-tool"]],
];

for (const [folder, names] of folders)
  test(`namesInFolder(${folder})`, () =>
    expect(namesInFolder(folder).filter((name) => name !== folder)).toEqual(names));

test("a path is a name of its own, for claims of whole folders", () => {
  expect(namesIn("pool/x/a_1.deb")).toContain("pool/x/a_1.deb");
});
