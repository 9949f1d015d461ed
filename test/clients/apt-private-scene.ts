// A server on which packages are published, people with tokens, and machines with apt that have one of them.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Action } from "../../src/core/grant.ts";
import { makeAccounts } from "../support/accounts.ts";
import { makeCertificate, type TestCertificate } from "../support/certificates.ts";
import { type ServerProcess, startProcess, withBugs } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { createSigner, environment, must, type Signer } from "./apt-builds.ts";
import { AptRoot } from "./apt-root.ts";
import { configOf } from "./apt-scene.ts";

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
  signer: Signer | null;
  /** The file with the authority that clients must trust; null where the server speaks http. */
  authority: string | null;
  /** `holdfast` on the server's machine. Throws unless it ends well. */
  holdfast(...args: string[]): Promise<string>;
  /** Lines of a shell on the server's machine, which has the command. Throws unless all of them end well. */
  shell(lines: string, cwd: string): Promise<string>;
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
  /** How apt is started where it is not the machine's own, see houses.ts. */
  start?: readonly string[];
}

export async function withScene(
  options: {
    hosted?: Record<string, unknown>;
    /** Who signs what is uploaded. */
    uploader?: string;
    /** The server speaks https, with a certificate of an authority of its own. */
    https?: boolean;
  },
  act: (scene: Scene) => Promise<void>,
): Promise<void> {
  const home = tempFolder("apt-private");
  const machines: AptRoot[] = [];
  const hosted = { suites: ["stable", "testing"], ...options.hosted };
  const signer = options.uploader ? await createSigner(home, options.uploader) : null;
  const repository = { format: "apt", hosted, ...(signer && { uploaders: signer.key }) };
  const settings = JSON.parse(configOf({ private: repository }));
  const made = options.https ? makeCertificate(["127.0.0.1"], 30) : null;
  const files = made && writeCertificate(home, made);
  const config = JSON.stringify({
    ...settings,
    access: { anonymous: "none" },
    ...(files && { tls: { certificate: files.certificate, key: files.key } }),
  });
  const server = await startProcess({ config, ...(made && { authority: made.authority }) });
  const tls = made ? { tls: { ca: made.authority } } : {};
  try {
    await server.pause();
    const all: Action[] = ["read", "publish", "unpublish"];
    const [ann, ben] = (await makeAccounts(server, [
      { user: "ann", actions: all, repository: "private" },
      { user: "ben", actions: ["read"], repository: "private" },
    ])) as [string, string];
    await server.restart();
    const url = `${server.url}/private`;
    const key = async () => {
      const answer = await fetch(`${url}/-/key.asc`, { headers: bearer(ben), ...tls });
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
      signer,
      authority: files?.authority ?? null,
      async holdfast(...args) {
        const command = [process.execPath, join(import.meta.dir, "../../src/main.ts"), ...args];
        const call = [...command, "--config", server.config, "--data", server.data];
        const { code, output } = await run(call, { cwd: home, env: environment(home) });
        if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${output}`);
        return output;
      },
      shell(lines, cwd) {
        const program = join(home, "bin", "holdfast");
        mkdirSync(join(home, "bin"), { recursive: true });
        const words = [process.execPath, join(import.meta.dir, "../../src/main.ts"), '"$@"'];
        const flags = ["--config", server.config, "--data", server.data];
        writeFileSync(program, `#!/bin/sh\nexec ${[...words, ...flags].join(" ")}\n`);
        chmodSync(program, 0o755);
        const path = `${join(home, "bin")}:${process.env["PATH"]}`;
        return must(["sh", "-ec", lines], cwd, { PATH: path, HOME: home });
      },
      api: (method, path, body = null, token = ann) =>
        fetch(`${server.url}/-/api/v1/repositories/private${path}`, {
          method,
          headers: bearer(token),
          ...tls,
          ...(body && { body: new Uint8Array(body) }),
        }),
      async machine({ suite = "stable main", token = ben, types = ["deb"], start = [] } = {}) {
        const signedBy = await key();
        const machine = new AptRoot(
          [{ url, suite, key: signedBy, types }],
          files ? [`Acquire::https::CaInfo "${files.authority}";`] : [],
          start,
        );
        machines.push(machine);
        if (token !== null) {
          mkdirSync(machine.path("etc/auth.conf.d"), { recursive: true });
          const { protocol, host } = new URL(url);
          // Without the scheme apt takes it for https alone.
          const scheme = protocol === "https:" ? "" : "http://";
          const line = `machine ${scheme}${host}/private login ben password ${token}\n`;
          machine.write("etc/auth.conf.d/private.conf", line);
        }
        return machine;
      },
    });
  } catch (error) {
    throw withBugs(error, server);
  } finally {
    for (const one of machines) one.remove();
    await signer?.remove();
    await server.stop();
    removeTemp(home);
  }
}

function writeCertificate(home: string, { authority, pair }: TestCertificate) {
  const write = (name: string, text: string) => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };
  return {
    authority: write("authority.pem", authority),
    certificate: write("server.pem", pair.certificate),
    key: write("server.key", pair.key),
  };
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** The releases of the suite "stable" that are remembered: none before it is asked for. */
export async function generations({ api }: Scene): Promise<unknown[]> {
  const answer = await api("GET", `/packages/${encodeURIComponent("dists/stable")}`);
  return ((await answer.json()) as { releases?: unknown[] }).releases ?? [];
}
