// proxpi under gunicorn, as its own image runs it.
import { join } from "node:path";
import { freePort, serve } from "../lib/process.ts";
import { environment } from "./python.ts";
import type { Peer } from "./types.ts";
import { versionOf } from "./versions.ts";

const requirements = () =>
  ["proxpi", "gunicorn"].map((part) => `${part}==${versionOf("proxpi", part)}`);

export const proxpi: Peer = {
  name: "proxpi",
  formats: ["pypi"],
  async install() {
    await environment("proxpi", requirements());
    return versionOf("proxpi", "proxpi");
  },
  async start(upstreams, folder, { freshness }) {
    const bin = await environment("proxpi", requirements());
    const port = await freePort();
    const at = `http://127.0.0.1:${port}`;
    const args = ["--bind", `127.0.0.1:${port}`, "--threads", "8", "proxpi.server:app"];
    const env = {
      PROXPI_INDEX_URL: `${upstreams.pypi}/simple/`,
      PROXPI_INDEX_TTL: String(freshness),
      PROXPI_CACHE_DIR: join(folder, "proxpi"),
    };
    const server = await serve(
      { name: "proxpi", command: join(bin, "gunicorn"), args, env },
      `${at}/health`,
    );
    return { ...server, urls: { pypi: `${at}/index` } };
  },
};
