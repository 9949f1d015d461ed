// devpi-server, with its root/pypi mirror pointed at the recorded upstream.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { freePort, run, type Server, serve } from "../lib/process.ts";
import { Problem } from "../lib/refuse.ts";
import { environment } from "./python.ts";
import type { Peer } from "./types.ts";
import { versionOf } from "./versions.ts";

const PASSWORD = "bench"; // of a server that lives for minutes on the loopback interface

async function json(url: string, method: string, body: object, headers: Record<string, string>) {
  const answer = await fetch(url, {
    method,
    headers: { accept: "application/json", "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Problem(`devpi answered ${answer.status} to ${method} ${url}`);
  return (await answer.json()) as { result: { password?: string } };
}

async function logIn(at: string): Promise<Record<string, string>> {
  const login = await json(`${at}/+login`, "POST", { user: "root", password: PASSWORD }, {});
  const token = Buffer.from(`root:${login.result.password}`).toString("base64");
  return { "x-devpi-auth": token };
}

/** Makes root/pypi a mirror of the recorded upstream. */
async function pointAt(at: string, mirror: string): Promise<void> {
  const settings = { type: "mirror", mirror_url: mirror, volatile: false };
  await json(`${at}/root/pypi`, "PUT", settings, await logIn(at));
}

const dataOf = (folder: string) => join(folder, "devpi");

async function launch(
  folder: string,
  more: string[] = [],
): Promise<{ at: string; server: Server }> {
  const bin = await environment("devpi", [`devpi-server==${versionOf("devpi", "devpi-server")}`]);
  const data = dataOf(folder);
  if (!existsSync(data)) {
    const args = ["--serverdir", data, "--root-passwd", PASSWORD, "--no-root-pypi"];
    await run({ name: "devpi", command: join(bin, "devpi-init"), args });
  }
  const port = await freePort();
  const at = `http://127.0.0.1:${port}`;
  const args = ["--serverdir", data, "--host", "127.0.0.1", "--port", String(port), ...more];
  const command = { name: "devpi", command: join(bin, "devpi-server"), args };
  return { at, server: await serve(command, `${at}/+api`) };
}

export const devpi: Peer = {
  name: "devpi",
  formats: ["pypi"],
  async install() {
    const version = versionOf("devpi", "devpi-server");
    await environment("devpi", [`devpi-server==${version}`]);
    return version;
  },
  async start(upstreams, folder, { freshness }) {
    const isFresh = !existsSync(dataOf(folder));
    const args = ["--mirror-cache-expiry", String(freshness)];
    const { at, server } = await launch(folder, args);
    if (isFresh) await pointAt(at, `${upstreams.pypi}/simple/`);
    return { ...server, urls: { pypi: `${at}/root/pypi/+simple` } };
  },
  /** An index of packages of its own; its readers need no account, for that takes a plugin. */
  async startPrivate(_upstreams, folder) {
    const { at, server } = await launch(folder);
    const settings = { type: "stage", bases: [], volatile: false };
    await json(`${at}/root/bench`, "PUT", settings, await logIn(at));
    const authorization = `Basic ${Buffer.from(`root:${PASSWORD}`).toString("base64")}`;
    const url = `${at}/root/bench/`;
    const index = `${url}+simple`;
    const publisher = { url, index, authorization, name: "root", password: PASSWORD };
    return { ...server, publishers: { pypi: publisher } };
  },
};
