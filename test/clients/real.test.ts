// Every real client installs a real project from the real registries, through a server with its built-in configuration; then again, cut off.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { eachClient } from "./clients.ts";
import type { Driver } from "./driver.ts";
import { Project } from "./job.ts";

const fault = process.env["HOLDFAST_TEST_NO_NETWORK"] ?? "";

/** Ordinary projects of dozens of packages. Exact versions, so that runs are alike. */
const wants: Record<Driver["repository"], string[]> = {
  npm: [
    "express@4.21.2",
    "eslint@8.57.1",
    "winston@3.17.0",
    "react@18.3.1",
    "react-dom@18.3.1",
    "chalk@4.1.2",
    "axios@1.7.9",
    "yargs@17.7.2",
  ],
  pypi: [
    "requests==2.32.3",
    "flask==3.0.3",
    "httpx==0.27.2",
    "pydantic==2.9.2",
    "rich==13.9.4",
    "sqlalchemy==2.0.36",
    "jinja2==3.1.4",
  ],
  go: [
    "github.com/spf13/cobra",
    "github.com/gin-gonic/gin",
    "github.com/BurntSushi/toml",
    "go.uber.org/zap",
  ],
};

/** The go command asks for versions in go.mod. */
const required =
  "require (\n\tgithub.com/spf13/cobra v1.8.1\n\tgithub.com/gin-gonic/gin v1.10.0\n\tgithub.com/BurntSushi/toml v1.4.0\n\tgo.uber.org/zap v1.27.0\n)\n";

const least = { npm: 100, pypi: 15, go: 25 };
const marks = {
  npm: /(^|\/)package\.json$/,
  pypi: /METADATA$/,
  go: /@v[^/]*\/(LICENSE|go\.mod)[^/]*$/,
};

let server: ServerProcess | undefined;

if (fault) test.skip(`the real registries: ${fault}`, () => {});
else {
  beforeAll(async () => {
    server = await startProcess();
  }, 30_000);
  afterAll(() => server?.stop());

  const projects: { project: Project; first: Map<string, string>; lock: string; title: string }[] =
    [];

  eachClient(null, ({ driver, test: each }) => {
    each(
      "installs a real project",
      async () => {
        const project = new Project(
          driver,
          `${server!.url}/${driver.repository}`,
          wants[driver.repository],
        );
        if (driver.repository === "go")
          project.write({ "go.mod": `${project.read("go.mod")}\n${required}` });
        await project.install();
        const first = project.tree();
        const count = [...first.keys()].filter((name) =>
          marks[driver.repository].test(name),
        ).length;
        expect(count).toBeGreaterThanOrEqual(least[driver.repository]);
        projects.push({ project, first, lock: project.read(driver.lock), title: driver.name });
      },
      240_000,
    );
  });

  test("the server restarts with --offline", async () => {
    await server!.restart(["--offline"]);
    expect(projects.length).toBeGreaterThan(0);
  });

  eachClient(null, ({ driver, test: each }) => {
    each(
      "installs it again, offline, with fresh caches, from its lock file",
      async () => {
        const found = projects.find(({ title }) => title === driver.name);
        if (!found) throw new Error("it did not install the first time");
        const { project, first, lock } = found;
        project.forget();
        await project.installFrozen();
        expect(project.tree()).toEqual(first);
        expect(project.read(driver.lock)).toBe(lock);
        project.remove();
      },
      240_000,
    );
  });
}
