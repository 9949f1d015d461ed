// The proxies in front of several nodes, with the project's own files but for where the nodes are and where they listen.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerProcess } from "./process.ts";
import { waitFor } from "./wait.ts";

const root = new URL("../../", import.meta.url).pathname;

/** A port at which one repository stands alone: the proxy's, and that of each node behind it. */
export interface OwnPort {
  name: string;
  listen: string;
  at: number[];
}

/** By all of these Holdfast finds its figures, which a proxy gives nobody. */
export const METRICS_PATHS = [
  ...["/-/metrics", "/-/metrics?x", "//-/metrics", "/-//metrics"],
  ...["/-/./metrics", "/x/../-/metrics", "/x/%2e%2E/-/metrics", "/x//../../-/metrics"],
  ...[
    "/./-/metrics",
    "/-/././metrics",
    "/.//%2E/-//./metrics",
    "/-/metrics/.",
    "/-/x/.%2e/metrics",
  ],
];

/** What is nobody's figures. apt asks for the files of a flat repository, `deb URL ./`, in this form. */
export const OTHER_PATHS = ["/debian/./InRelease", "/debian/././metrics.deb", "/npm/-/metrics"];

/** Where a proxy listens, and what it proves itself with: files, and the authority (PEM). */
export interface Front {
  url: string;
  port: number;
  certificate: { certificate: string; key: string; authority: string } | null;
  ownPorts: readonly OwnPort[];
}

export interface Proxy {
  stop(): Promise<void>;
}

type Nodes = readonly ServerProcess[];

/** With the nodes that there are in place of those of the file, of which there are three. */
function between(config: string, nodes: Nodes): string {
  return config.replaceAll(/^.* node(\d):4653 .*\n/gm, (line, nth) => {
    const node = nodes[Number(nth) - 1];
    return node ? line.replace(/node\d:4653/, new URL(node.url).host) : "";
  });
}

function toNginx({ name, listen, at }: OwnPort): string {
  const servers = at.map((port) => `server 127.0.0.1:${port};`).join(" ");
  return `upstream of_${name} { ${servers} }
server { listen ${listen}; location / { proxy_pass http://of_${name}; } }
`;
}

/** With deploy/cluster/nginx.conf. `silence`: in place of how long a node may say nothing to who reads, for tests that wait for that. */
export async function startNginx(
  home: string,
  { url, port, certificate, ownPorts }: Front,
  nodes: Nodes,
  silence: string | null = null,
): Promise<Proxy> {
  const given = readFileSync(join(root, "deploy/cluster/nginx.conf"), "utf8");
  const listen = certificate
    ? `listen 127.0.0.1:${port} ssl; ssl_certificate ${certificate.certificate}; ssl_certificate_key ${certificate.key};`
    : `listen 127.0.0.1:${port};`;
  const text = between(given, nodes)
    .replace("listen 4653;", listen)
    .replaceAll(/fail_timeout=\w+/g, "fail_timeout=1s");
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const file = join(home, "nginx.conf");
  writeFileSync(
    file,
    `user root; worker_processes 1; daemon off; pid ${home}/pid; error_log stderr error; events { worker_connections 1024; }
http { access_log off; ${folders.map((one) => `${one}_temp_path ${home}/${one};`).join(" ")}
${silence === null ? text : text.replaceAll(/proxy_read_timeout \w+;/g, `proxy_read_timeout ${silence};`)}
${ownPorts.map(toNginx).join("")} }\n`,
  );
  return started(["/usr/sbin/nginx", "-p", home, "-c", file], url, certificate?.authority);
}

/** With deploy/cluster/haproxy.cfg. */
export async function startHaproxy(
  home: string,
  { url, port }: Pick<Front, "url" | "port">,
  nodes: Nodes,
): Promise<Proxy> {
  const given = readFileSync(join(root, "deploy/cluster/haproxy.cfg"), "utf8");
  const file = join(home, "haproxy.cfg");
  writeFileSync(file, between(given, nodes).replace("bind :4653", `bind 127.0.0.1:${port}`));
  return started(["/usr/sbin/haproxy", "-db", "-f", file], url);
}

async function started(command: string[], url: string, authority?: string): Promise<Proxy> {
  const [program = "", ...args] = command;
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let output = "";
  child.stderr!.on("data", (chunk) => {
    output += chunk;
  });
  const end = () => child.kill("SIGKILL");
  process.on("exit", end);
  const isUp = () =>
    fetch(`${url}/-/health/live`, authority ? { tls: { ca: authority } } : {}).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitFor(
    async () => child.exitCode !== null || (await isUp()),
    () => `${program} does not serve: ${output}`,
    20_000,
  );
  if (child.exitCode !== null)
    throw new Error(`${program} ended with ${child.exitCode}: ${output}`);
  return {
    async stop() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      if (child.kill("SIGTERM")) await gone;
      process.off("exit", end);
    },
  };
}
