import { expect, test } from "bun:test";
import { theServer } from "../core/principal.ts";
import { readAudit } from "./audit.ts";
import { openTestAuth } from "./testkit.ts";

test("lines about a package are found by its name, and those about a release by its purl", async () => {
  const kit = await openTestAuth();
  for (const version of ["1.0.0", "1.1.0"])
    await kit.database.write((sql) =>
      kit.auth.audit.write(sql, {
        action: "publish",
        principal: theServer,
        package: "kelp",
        purl: `pkg:npm/kelp@${version}`,
      }),
    );
  const found = async (asked: object) =>
    (await readAudit(kit.database.read, { limit: 9, ...asked })).map(({ purl }) => purl);
  expect(await found({ package: "kelp" })).toEqual(["pkg:npm/kelp@1.1.0", "pkg:npm/kelp@1.0.0"]);
  expect(await found({ package: "pkg:npm/kelp@1.0.0" })).toEqual(["pkg:npm/kelp@1.0.0"]);
  expect(await found({ package: "kelp", action: "yank" })).toEqual([]);
  expect(await found({ package: "tide" })).toEqual([]);
  await kit.close();
});
