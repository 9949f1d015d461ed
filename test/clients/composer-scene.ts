// A fake Packagist and code host, Holdfast in front of them as a process, and PHP projects that look there.
import { expect, test } from "bun:test";
import { configText, type TestOptions } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess, withBugs } from "../support/process.ts";
import { ComposerProject } from "./composer-project.ts";

export interface Scene {
  upstream: FakeUpstream;
  server: ServerProcess;
  /** A project that knows these repositories of the server. */
  project(require: Record<string, string>, ...repositories: string[]): ComposerProject;
}

/** Registers a test with a fake upstream and a server of its own. */
export function scene(
  title: string,
  options: TestOptions,
  act: (scene: Scene) => Promise<void>,
): void {
  test(title, async () => {
    const upstream = await startUpstream();
    const server = await startProcess({ config: configText(upstream, options) });
    const projects: ComposerProject[] = [];
    const project = (require: Record<string, string>, ...names: string[]) => {
      const urls = (names.length ? names : ["composer"]).map((name) => `${server.url}/${name}`);
      const made = new ComposerProject(urls, require);
      projects.push(made);
      return made;
    };
    try {
      await act({ upstream, server, project });
    } catch (error) {
      throw withBugs(error, server);
    } finally {
      for (const one of projects) one.remove();
      await server.stop();
      await upstream.stop();
    }
  }, 60_000);
}

/** Who asked the upstream, on any of its hosts: one for each program. */
export function agents(upstream: FakeUpstream): string[] {
  const names = upstream.requests.map(({ headers }) =>
    (headers["user-agent"] ?? "nobody").replace(/\/.*$/, ""),
  );
  return [...new Set(names)].sort();
}

/** What the operator was told, as "kind package". */
export function events(server: ServerProcess): string[] {
  return server.events().map((event) => `${event.kind} ${event.package}`);
}

/** The stored bytes of a package are gone from disk. */
export async function lose(server: ServerProcess, name: string): Promise<void> {
  const lost = server.files().filter((file) => file.package === name);
  expect(lost).not.toEqual([]);
  for (const { sha256 } of lost) server.lose(sha256);
  await server.restart();
}
