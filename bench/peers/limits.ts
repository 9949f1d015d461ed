// The two limits that Holdfast is measured against: nginx serving files, and Bun's own server answering from memory.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { emptyFolder } from "../lib/context.ts";
import { freePort, type Server, serve } from "../lib/process.ts";
import { installNginx, startNginx } from "./nginx.ts";

export interface Limits {
  /** Makes a file available to both; with `gzip` as its compressed form. URLs by the limit's name in the report. */
  put(name: string, bytes: Uint8Array, gzip?: Uint8Array): Map<string, string>;
  stop(): Promise<void>;
}

export async function startLimits(): Promise<Limits> {
  await installNginx();
  const folder = emptyFolder("limits");
  const files = join(folder, "files");
  mkdirSync(files, { recursive: true });
  const [nginxPort, bunPort] = [await freePort(), await freePort()];
  const http = `server { listen 127.0.0.1:${nginxPort} backlog=1024; root ${files}; gzip_static on; }`;
  const servers: Server[] = [
    await startNginx("nginx-static", folder, http, nginxPort),
    await serve(
      {
        name: "bare-bun",
        command: process.execPath,
        args: [join(import.meta.dirname, "bare-server.ts"), String(bunPort), files],
      },
      `http://127.0.0.1:${bunPort}/`,
    ),
  ];
  return {
    put(name, bytes, gzip) {
      writeFileSync(join(files, name), bytes);
      if (gzip) writeFileSync(join(files, `${name}.gz`), gzip);
      return new Map([
        ["nginx static", `http://127.0.0.1:${nginxPort}/${name}`],
        ["bare Bun.serve", `http://127.0.0.1:${bunPort}/${name}`],
      ]);
    },
    async stop() {
      for (const server of servers) await server.stop();
    },
  };
}
