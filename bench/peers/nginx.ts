// nginx: how it is started (limits.ts uses that too), and as a caching proxy with no knowledge of formats.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, output, run, type Server, serve } from "../lib/process.ts";
import { Problem } from "../lib/refuse.ts";
import type { FormatName, Peer, Urls } from "./types.ts";

export async function installNginx(): Promise<string> {
  if (!Bun.which("nginx")) {
    const args = ["install", "--yes", "--no-install-recommends", "nginx-light"];
    await run({ name: "install-nginx", command: "apt-get", args });
  }
  const shown = Bun.spawnSync(["nginx", "-v"]).stderr.toString();
  const version = /nginx\/(\S+)/.exec(shown)?.[1];
  if (!version) throw new Problem("nginx does not run");
  const debian = output("dpkg-query", ["-W", "nginx-light"]).split("\t")[1];
  return debian ? `${version} (Debian ${debian})` : version;
}

/** One worker, as the servers it is compared with are one process. Not a daemon, so that it ends with the benchmark. */
export async function startNginx(
  name: string,
  folder: string,
  http: string,
  port: number,
): Promise<Server> {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  for (const each of temporary) mkdirSync(join(folder, "tmp", each), { recursive: true });
  const paths = temporary
    .map((each) => `${each}_temp_path ${join(folder, "tmp", each)};`)
    .join("\n");
  const config = join(folder, `${name}.conf`);
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${join(folder, "nginx.pid")}; error_log stderr warn;
user ${output("id", ["-un"])};
events { worker_connections 2048; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; types_hash_max_size 2048;
  default_type application/octet-stream;
  open_file_cache max=1000 inactive=60s;
  ${paths}
  ${http}
}
`,
  );
  const args = ["-c", config, "-p", folder];
  return serve({ name, command: "nginx", args }, `http://127.0.0.1:${port}/`);
}

const formats: FormatName[] = ["npm", "pypi", "go", "apt", "composer"];

export const nginxCache: Peer = {
  name: "nginx proxy_cache",
  formats,
  install: installNginx,
  async start(upstreams, folder, { freshness }) {
    const ports = new Map<FormatName, number>();
    for (const format of formats) ports.set(format, await freePort());
    const cache = `
  proxy_cache_path ${join(folder, "cache")} levels=1:2 keys_zone=all:20m max_size=20g inactive=1d use_temp_path=off;
  proxy_cache all; proxy_cache_valid 200 ${freshness}s; proxy_cache_valid 404 1m; proxy_cache_lock on;
  proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
  proxy_cache_background_update on; proxy_cache_revalidate on; proxy_http_version 1.1;
  proxy_set_header Connection ""; proxy_set_header Accept-Encoding ""; proxy_max_temp_file_size 2048m;
  gzip on; gzip_comp_level 1; gzip_types application/json application/vnd.npm.install-v1+json application/vnd.pypi.simple.v1+json;
  sub_filter_once off; sub_filter_types application/json application/vnd.npm.install-v1+json application/vnd.pypi.simple.v1+json text/html;`;
    const at = (format: FormatName) => `http://127.0.0.1:${ports.get(format)}`;
    const server = (format: FormatName) => `
  server { listen 127.0.0.1:${ports.get(format)} backlog=1024;
    location / { proxy_pass ${upstreams[format]};
      proxy_cache_key "$request_uri $http_accept";
      sub_filter "${upstreams[format]}" "${at(format)}"; } }`;
    const http = cache + formats.map(server).join("");
    const started = await startNginx("nginx-cache", folder, http, ports.get("npm")!);
    const urls = Object.fromEntries(formats.map((format) => [format, at(format)])) as Urls;
    urls.pypi += "/simple";
    return { ...started, urls };
  },
};
