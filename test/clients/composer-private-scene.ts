// A server with private Composer repositories and tokens, a fake upstream for the public ones, and PHP projects that are set up as people do.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeAccounts, type Wanted } from "../support/accounts.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess, withBugs } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { ComposerProject } from "./composer-project.ts";

const main = new URL("../../src/main.ts", import.meta.url).pathname;

export interface PrivateScene {
  upstream: FakeUpstream;
  server: ServerProcess;
  /** In the order of who was wanted. */
  tokens: string[];
  /** `holdfast …` beside the running server. */
  holdfast(...words: string[]): Promise<string>;
  /** A file beside which `holdfast` runs. */
  path(name: string): string;
  write(name: string, bytes: Uint8Array): string;
  /** Follows what `holdfast setup composer` says for these repositories. */
  setUp(project: ComposerProject, token: string | null, ...repositories: string[]): Promise<void>;
  projectOf(
    require: Record<string, string>,
    token: string | null,
    ...repositories: string[]
  ): Promise<ComposerProject>;
  /** A failure with what the server said. */
  told<T>(act: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export async function openPrivateScene(
  repositories: Record<string, unknown>,
  wanted: readonly Wanted[],
): Promise<PrivateScene> {
  const upstream = await startUpstream();
  const files = tempFolder("archives");
  const projects: ComposerProject[] = [];
  const config = JSON.parse(
    configText(upstream, {
      access: { anonymous: "none" },
      freshness: "0s",
      // Composer asks each of its repositories for each name: the public one is to know which are none of its.
      claims: { composer: ["acme/*", "mono/*"] },
    }),
  );
  Object.assign(config.repositories, repositories);
  const server = await startProcess({ config: JSON.stringify(config) });
  const tokens = await makeAccounts(server, wanted);
  await server.restart();

  async function holdfast(...words: string[]): Promise<string> {
    const data = words[0] === "setup" ? [] : ["--data", server.data];
    const command = [process.execPath, main, ...words, "--config", server.config, ...data];
    const { code, output } = await run(command, { cwd: files });
    if (code !== 0) throw new Error(`holdfast ${words.join(" ")} ended with ${code}:\n${output}`);
    return output;
  }

  async function setUp(project: ComposerProject, token: string | null, ...names: string[]) {
    for (const name of names) {
      const said = await holdfast("setup", "composer", "--repository", name, "--url", server.url);
      const shell = said.slice(0, said.indexOf("composer.json\n"));
      for (const line of shell.split("\n").map((text) => text.replace(/^# (?=composer )/, ""))) {
        if (!line.startsWith("composer ") || (line.includes("TOKEN") && token === null)) continue;
        await project.must(
          ...line
            .replace("TOKEN", token ?? "")
            .split(" ")
            .slice(1),
        );
      }
    }
  }

  return {
    upstream,
    server,
    tokens,
    holdfast,
    path: (name) => join(files, name),
    write(name, bytes) {
      writeFileSync(join(files, name), bytes);
      return name;
    },
    setUp,
    async projectOf(require, token, ...names) {
      const project = new ComposerProject([], require);
      projects.push(project);
      await setUp(project, token, ...names);
      return project;
    },
    async told(act) {
      try {
        return await act();
      } catch (error) {
        throw withBugs(error, server);
      }
    },
    async stop() {
      for (const one of projects) one.remove();
      await server.stop();
      await upstream.stop();
      removeTemp(files);
    },
  };
}
