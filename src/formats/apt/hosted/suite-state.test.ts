import { expect, test } from "bun:test";
import { editedMembers, type Member, membersOf } from "./suite-state.ts";

function member(name: string, version: string, architecture = "all", kind = "deb") {
  const file = `pool/main/${name}_${version}_${architecture}.${kind}`;
  const metadata = { kind, package: name, version, architecture, component: "main", stanza: "" };
  return { file, package: name, metadata: { ...metadata, section: null } } as unknown as Member;
}

const versions = ["1.9", "1.10", "1.10~rc1", "1:0.1"];
const all = [
  ...versions.map((version) => member("shell", version)),
  member("shell", "1.0", "amd64"),
  member("coral", "1.0"),
];
const known = membersOf(all);
const paths = all.map(({ file }) => file);

test("editedMembers() edits in order, and keeps each path once", () => {
  const [one, two] = paths as [string, string];
  expect(editedMembers([one], [{ add: [two, one] }, { drop: [one] }], known, undefined)).toEqual([
    two,
  ]);
  expect(editedMembers([one], [{ drop: [one] }, { add: [one] }], known, undefined)).toEqual([one]);
});

test("editedMembers() keeps the latest versions of each package and architecture, and forgets nothing that was removed", () => {
  const removed = "pool/main/gone_1.0_all.deb";
  expect(editedMembers([removed], [{ add: paths }], known, 2)).toEqual(
    [
      "pool/main/coral_1.0_all.deb",
      removed,
      "pool/main/shell_1.0_amd64.deb",
      "pool/main/shell_1.10_all.deb",
      "pool/main/shell_1:0.1_all.deb",
    ].sort(),
  );
});
