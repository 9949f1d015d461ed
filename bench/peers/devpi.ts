// devpi-server, with its root/pypi mirror pointed at the recorded upstream.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { freePort, run, serve } from "../lib/process.ts";
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

/** Makes root/pypi a mirror of the recorded upstream. */
async function pointAt(at: string, mirror: string): Promise<void> {
  const login = await json(`${at}/+login`, "POST", { user: "root", password: PASSWORD }, {});
  const token = Buffer.from(`root:${login.result.password}`).toString("base64");
  const auth = { "x-devpi-auth": token };
  await json(
    `${at}/root/pypi`,
    "PUT",
    { type: "mirror", mirror_url: mirror, volatile: false },
    auth,
  );
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
    const version = versionOf("devpi", "devpi-server");
    const bin = await environment("devpi", [`devpi-server==${version}`]);
    const data = join(folder, "devpi");
    const fresh = !existsSync(data);
    if (fresh) {
      const args = ["--serverdir", data, "--root-passwd", PASSWORD, "--no-root-pypi"];
      await run({ name: "devpi", command: join(bin, "devpi-init"), args });
    }
    const port = await freePort();
    const at = `http://127.0.0.1:${port}`;
    const args = ["--serverdir", data, "--host", "127.0.0.1", "--port", String(port)];
    args.push("--mirror-cache-expiry", String(freshness));
    const server = await serve(
      { name: "devpi", command: join(bin, "devpi-server"), args },
      `${at}/+api`,
    );
    if (fresh) await pointAt(at, `${upstreams.pypi}/simple/`);
    return { ...server, urls: { pypi: `${at}/root/pypi/+simple` } };
  },
};
