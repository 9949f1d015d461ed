// A fake upstream, Holdfast in front of it as a process, and one client's project that looks there.
import { configText, type TestOptions } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess, withBugs } from "../support/process.ts";
import type { Driver } from "./driver.ts";
import { Project } from "./job.ts";

export interface Scene {
  upstream: FakeUpstream;
  server: ServerProcess;
  project: Project;
}

/** Everything is gone afterwards. A bug that the server logged is told with the failure. */
export async function withScene(
  driver: Driver,
  wants: readonly string[],
  options: TestOptions,
  act: (scene: Scene) => Promise<void>,
): Promise<void> {
  const upstream = await startUpstream();
  const server = await startProcess({ config: configText(upstream, options) });
  const url = `${server.url}/${driver.repository}`;
  const project = new Project(withSumdb(driver, upstream), url, [...wants]);
  try {
    await act({ upstream, server, project });
  } catch (error) {
    throw withBugs(error, server);
  } finally {
    project.remove();
    await server.stop();
    await upstream.stop();
  }
}

/** The go command trusts the fake database, as it trusts the public one. */
export function withSumdb(driver: Driver, upstream: FakeUpstream): Driver {
  if (driver.repository !== "go") return driver;
  return { ...driver, env: (job) => ({ ...driver.env(job), GOSUMDB: upstream.go.sumdb.key }) };
}
