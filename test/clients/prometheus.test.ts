// Prometheus' own tool on what deploy/ has for it, and on the page that a server shows it.
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { run } from "../support/run.ts";
import { startServer } from "../support/server.ts";
import { tempFolder } from "../support/temp.ts";
import {
  dashboardExpressions,
  rulesFile,
  rulesTests,
  scrapeFile,
  withVariables,
} from "../support/watching.ts";
import { withPrograms } from "./clients.ts";

const promtool = (...args: string[]) =>
  run(["promtool", ...args], { cwd: tempFolder("promtool"), timeout: 60_000 });

withPrograms(["promtool"], () => {
  test("the alert rules are rules, and do in its tests what they are for", async () => {
    const checked = await promtool("check", "rules", rulesFile);
    expect(checked).toMatchObject({ code: 0, output: expect.stringContaining("SUCCESS") });
    const tried = await promtool("test", "rules", rulesTests);
    expect(tried).toMatchObject({ code: 0, output: expect.stringContaining("SUCCESS") });
  });

  test("the configuration is one, with the rules beside it", async () => {
    const checked = await promtool("check", "config", scrapeFile);
    expect(checked).toMatchObject({ code: 0, output: expect.stringContaining("SUCCESS") });
  });

  test("each expression of the dashboard is one", async () => {
    const rules = dashboardExpressions().map(({ expr }, nth) => ({
      record: `panel:${nth}`,
      expr: withVariables(expr),
    }));
    const file = join(tempFolder("dashboard"), "rules.yml");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    const checked = await promtool("check", "rules", file);
    expect(checked).toMatchObject({
      code: 0,
      output: expect.stringContaining(`${rules.length} rules found`),
    });
  });

  test("the page of a server is read without a fault", async () => {
    const upstream = await startUpstream();
    const server = await startServer(upstream);
    try {
      for (const path of ["/npm/kelp", "/npm/kelp/-/kelp-1.0.0.tgz"])
        await (await fetch(server.url + path)).arrayBuffer();
      const page = join(tempFolder("metrics"), "page.txt");
      writeFileSync(page, await (await fetch(`${server.url}/-/metrics`)).text());
      const checked = await run(["sh", "-c", `promtool check metrics < ${page}`], {
        cwd: tempFolder("promtool"),
        timeout: 60_000,
      });
      // It has opinions about names as well (3); a page that cannot be read is a 1.
      expect([checked.code === 1, readFileSync(page, "utf8").length > 0, checked.output]).toEqual([
        false,
        true,
        expect.not.stringContaining("error while linting"),
      ]);
    } finally {
      await server.stop();
      await upstream.stop();
    }
  });
});
