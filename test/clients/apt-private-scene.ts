// A server on which packages are published, people with tokens, and machines with apt that have one of them.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Action } from "../../src/core/grant.ts";
import { makeAccounts } from "../support/accounts.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { type Result, run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { AptRoot } from "./apt-root.ts";
import { configOf, withBugs } from "./apt-scene.ts";

export interface Scene {
  server: ServerProcess;
  /** The repository's. */
  url: string;
  /** Ann's token, who may publish and unpublish. */
  ann: string;
  /** Ben's, who may read. */
  ben: string;
  /** A folder of the test's own. */
  home: string;
  /** `holdfast` on the server's machine. Throws unless it ends well. */
  holdfast(...args: string[]): Promise<string>;
  /** A call of the API as Ann. */
  api(method: string, path: string, body?: Uint8Array | null, token?: string): Promise<Response>;
  /** A machine that has the server's key, and Ben's token where it has one at all. */
  machine(options?: MachineOptions): Promise<AptRoot>;
}

export interface MachineOptions {
  suite?: string;
  token?: string | null;
  /** "deb", "deb-src". */
  types?: string[];
}

export async function withScene(
  options: { hosted?: Record<string, unknown>; more?: Record<string, unknown> },
  act: (scene: Scene) => Promise<void>,
): Promise<void> {
  const home = tempFolder("apt-private");
  const machines: AptRoot[] = [];
  const hosted = { suites: ["stable", "testing"], ...options.hosted };
  const repository = { format: "apt", hosted, ...options.more };
  const settings = JSON.parse(configOf({ private: repository }));
  const config = JSON.stringify({ ...settings, access: { anonymous: "none" } });
  const server = await startProcess({ config });
  try {
    await server.pause();
    const all: Action[] = ["read", "publish", "unpublish"];
    const [ann, ben] = (await makeAccounts(server.data, [
      { user: "ann", actions: all, repository: "private" },
      { user: "ben", actions: ["read"], repository: "private" },
    ])) as [string, string];
    await server.restart();
    const url = `${server.url}/private`;
    const key = async () => {
      const answer = await fetch(`${url}/-/key.asc`, { headers: bearer(ben) });
      const path = join(home, `key-${machines.length}.asc`);
      writeFileSync(path, await answer.text());
      return path;
    };
    await act({
      server,
      url,
      ann,
      ben,
      home,
      async holdfast(...args) {
        const command = [process.execPath, join(import.meta.dir, "../../src/main.ts"), ...args];
        const call = [...command, "--config", server.config, "--data", server.data];
        const { code, output } = await run(call, { cwd: home, env: environment(home) });
        if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${output}`);
        return output;
      },
      api: (method, path, body = null, token = ann) =>
        fetch(`${server.url}/-/api/v1/repositories/private${path}`, {
          method,
          headers: bearer(token),
          ...(body && { body: new Uint8Array(body) }),
        }),
      async machine({ suite = "stable main", token = ben, types = ["deb"] } = {}) {
        const signedBy = await key();
        const machine = new AptRoot([{ url, suite, key: signedBy, types }]);
        machines.push(machine);
        if (token !== null) {
          mkdirSync(machine.path("etc/auth.conf.d"), { recursive: true });
          const { host } = new URL(url);
          // Without the scheme apt takes it for https alone.
          const line = `machine http://${host}/private login ben password ${token}\n`;
          machine.write("etc/auth.conf.d/private.conf", line);
        }
        return machine;
      },
    });
  } catch (error) {
    throw withBugs(error, server);
  } finally {
    for (const one of machines) one.remove();
    await server.stop();
    removeTemp(home);
  }
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

export function environment(home: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    TMPDIR: home,
    LANG: "C.UTF-8",
    DEBIAN_FRONTEND: "noninteractive",
  };
}

/** Throws unless it ends well. */
export async function must(
  command: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<string> {
  const { code, output }: Result = await run(command, {
    cwd,
    env: { ...environment(cwd), ...env },
    timeout: 120_000,
  });
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${output}`);
  return output;
}

export interface DebOptions {
  version?: string;
  architecture?: string;
  /** Of control.tar and data.tar, as dpkg-deb calls it. */
  compression?: "gzip" | "xz" | "zstd";
  depends?: string;
  text?: string;
}

/** A package built by dpkg-deb. Returns its path. */
export async function buildDeb(
  folder: string,
  name: string,
  made: DebOptions = {},
): Promise<string> {
  const { version = "1.0-1", architecture = "all", compression = "xz", text = version } = made;
  const root = join(folder, `build-${name}-${Math.random().toString(36).slice(2)}`);
  mkdirSync(join(root, "DEBIAN"), { recursive: true });
  mkdirSync(join(root, "usr/share", name), { recursive: true });
  writeFileSync(join(root, "usr/share", name, "text"), `${text}\n`);
  const fields = [
    `Package: ${name}`,
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    "Maintainer: Ann <ann@example.test>",
    "Section: misc",
    "Priority: optional",
    ...(made.depends ? [`Depends: ${made.depends}`] : []),
    `Description: the ${name} of the private sea`,
    " It has a long description as well,",
    " .",
    " in two paragraphs.",
    "",
  ];
  writeFileSync(join(root, "DEBIAN/control"), fields.join("\n"));
  const file = join(folder, `${name}_${version.replace(/^\d+:/, "")}_${architecture}.deb`);
  await must(["dpkg-deb", `-Z${compression}`, "--root-owner-group", "--build", root, file], folder);
  return file;
}

export const sha256Of = (path: string) =>
  createHash("sha256").update(readFileSync(path)).digest("hex");
