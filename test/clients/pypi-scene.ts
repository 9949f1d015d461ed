// A server with tokens, and a fake upstream behind it, for real Python clients that publish and install.
import { createHash } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Action } from "../../src/core/grant.ts";
import { trustRoot } from "../../src/formats/pypi/testdata/attestations.ts";
import {
  contentType,
  type Made,
  uploadForm,
} from "../../src/formats/pypi/testdata/distributions.ts";
import { makeAccounts } from "../support/accounts.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { type Account, type Call, type Publisher, runIn } from "./pypi-publishers.ts";

/** What a page says of a file. */
export interface Shown {
  filename: string;
  hashes: { sha256: string };
  provenance?: string;
}

export interface Scene {
  upstream: FakeUpstream;
  server: ServerProcess;
  /** The repository's. Names that begin with "shell-" are claimed in it. */
  url: string;
  /** May publish. */
  ann: Account;
  /** May read. */
  ben: Account;
  /** Ann's token that may read alone. */
  reading: Account;
  run(folder: string, call: Call): ReturnType<typeof runIn>;
  /** What the client says. Throws unless it is content. */
  must(folder: string, call: Call): Promise<string>;
  build(publisher: Publisher, folder: string): Promise<void>;
  /** The files of a project. */
  page(name: string): Promise<Shown[]>;
  /** Publishes as Ann, without a client. Throws unless that is done. */
  publish(made: Made): Promise<void>;
  stop(): Promise<void>;
}

export async function openScene(): Promise<Scene> {
  const upstream = await startUpstream();
  const trusted = tempFolder("trusted");
  writeFileSync(join(trusted, "trusted_root.json"), trustRoot);
  const server = await startProcess({
    config: configText(upstream, {
      claims: { pypi: ["shell-*"] },
      own: { pypi: { trustRoot: join(trusted, "trusted_root.json") } },
    }),
  });
  const all = { user: "ann", actions: ["publish", "unpublish"] as Action[], repository: "pypi" };
  const tokens = await makeAccounts(server, [
    all,
    { user: "ben", actions: ["read"] },
    { ...all, scope: ["read"] },
  ]);
  const [ann, ben, reading] = tokens.map((password) => ({ user: "__token__", password })) as [
    Account,
    Account,
    Account,
  ];
  await server.restart();
  const url = `${server.url}/pypi`;
  const home = tempFolder("home");
  const run: Scene["run"] = (folder, call) => runIn(folder, home, call);

  async function must(folder: string, call: Call): Promise<string> {
    const { code, output } = await run(folder, call);
    if (code !== 0) throw new Error(`${call.command.join(" ")} ended with ${code}:\n${output}`);
    return output;
  }

  return {
    upstream,
    server,
    url,
    ann,
    ben,
    reading,
    run,
    must,
    async build({ build }, folder) {
      rmSync(join(folder, "dist"), { recursive: true, force: true });
      if (build) await must(folder, { command: build, env: {} });
    },
    async page(name) {
      const headers = { accept: "application/vnd.pypi.simple.v1+json" };
      const answer = await fetch(`${url}/simple/${name}/`, { headers });
      if (answer.status === 404) return [];
      return ((await answer.json()) as { files: Shown[] }).files;
    },
    async publish(made) {
      const headers = { "content-type": contentType, authorization: basic(ann) };
      const body = new Uint8Array(uploadForm(made));
      const answer = await fetch(`${url}/legacy/`, { method: "POST", headers, body });
      if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
    },
    async stop() {
      await server.stop();
      await upstream.stop();
      removeTemp(home);
      removeTemp(trusted);
    },
  };
}

export function basic({ user, password }: Account): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
