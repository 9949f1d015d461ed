import { expect, test } from "bun:test";
import { readHtpasswd } from "./file.ts";

const BCRYPT = `$2y$04$${"a".repeat(53)}`;

test("names and hashes are read, and what cannot be taken over is told by line, name and reason", () => {
  const text = [
    "# a comment",
    "",
    `ann:${BCRYPT}`,
    "ben:{SHA}F8dy1i1vEIwh3t/g0q5/SVqFmPo=:autocreated 2024-01-01T00:00:00.000Z\r",
    "cyd:Zv76kQyxTRpPk",
    "dan:secret",
    "nothing",
    `eve:$2y$31$${"a".repeat(53)}`,
    "fay:$y$j9T$salt$hash",
    "gus:$9$what",
    `ann:${BCRYPT.replace("04", "05")}`,
  ].join("\n");
  const { entries, refused } = readHtpasswd(text);
  expect(entries).toEqual([
    { name: "ann", hash: BCRYPT.replace("04", "05") },
    { name: "ben", hash: "{SHA}F8dy1i1vEIwh3t/g0q5/SVqFmPo=" },
  ]);
  expect(refused.map(({ line, name }) => [line, name])).toEqual([
    [5, "cyd"],
    [6, "dan"],
    [7, "nothing"],
    [8, "eve"],
    [9, "fay"],
    [10, "gus"],
  ]);
  expect(refused[0]!.reason).toContain("DES");
  expect(refused[1]!.reason).toContain("in clear");
  expect(refused[1]!.reason).not.toContain("secret");
  expect(refused[3]!.reason).toContain("cost");
});
