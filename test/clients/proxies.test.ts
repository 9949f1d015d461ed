// Holdfast behind the proxies of deploy/: nginx itself, on a host of its own and below a path, over the socket file; of Caddy and HAProxy what they say of their files.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/core/log.ts";
import { formats } from "../../src/formats/index.ts";
import { start } from "../../src/server/start.ts";
import { makeAccounts } from "../support/accounts.ts";
import { makeCertificate } from "../support/certificates.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { npmPublication } from "../support/npm-package.ts";
import { freePort } from "../support/process.ts";
import { METRICS_PATHS, OTHER_PATHS } from "../support/proxies.ts";
import { sendRaw } from "../support/raw.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { eachClient, withPrograms } from "./clients.ts";
import { Project } from "./job.ts";
import { withSumdb } from "./scene.ts";

const root = new URL("../../", import.meta.url).pathname;
const example = (name: string) => readFileSync(join(root, "deploy", name), "utf8");

const ways = [
  { title: "on a host of its own", name: "packages.example.com", path: "" },
  { title: "below a path", name: "www.example.com", path: "/holdfast" },
];

withPrograms(["nginx"], () => {
  for (const { title, name, path } of ways)
    describe(`nginx, ${title}`, () => {
      const home = tempFolder("nginx");
      const socket = join(home, "holdfast.sock");
      const authority = join(home, "authority.pem");
      const made = makeCertificate(["localhost"], 30);
      const log: string[] = [];
      let upstream: FakeUpstream;
      let running: Awaited<ReturnType<typeof start>>;
      let nginx: ChildProcess;
      let url: string;
      let token = "";

      beforeAll(async () => {
        const port = await freePort();
        url = `https://localhost:${port}${path}`;
        upstream = await startUpstream();
        const open = () => {
          const file = join(home, "holdfast.yaml");
          writeFileSync(
            file,
            configText(upstream, {
              claims: { npm: ["@acme/*"] },
              access: { anonymous: "read" },
              server: { trustedProxies: ["unix:"], ...(path && { publicUrl: url }) },
            }),
          );
          const flags = { data: join(home, "data"), listen: `unix:${socket}` };
          const config = loadConfig({ file, formats, flags, env: {} });
          return start({ config, log: createLog("json", (line) => log.push(line)) });
        };
        running = await open();
        await running.stop();
        [token = ""] = await makeAccounts(join(home, "data"), [
          { user: "ann", actions: ["publish"] },
        ]);
        running = await open();
        writeFileSync(authority, made.authority);
        nginx = await startNginx(port);
      }, 60_000);
      afterAll(async () => {
        const gone = new Promise((resolve) => nginx?.once("exit", resolve));
        if (nginx?.kill("SIGTERM")) await gone;
        await running?.stop();
        await upstream?.stop();
        removeTemp(home);
      }, 60_000);

      /** With the project's own file, but for its ports, its certificates and where the socket is; `localhost` is the name that is meant. */
      async function startNginx(port: number): Promise<ChildProcess> {
        writeFileSync(join(home, "server.pem"), made.pair.certificate);
        writeFileSync(join(home, "server.key"), made.pair.key);
        const servers = example("nginx.conf")
          .replaceAll("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
          .replaceAll(/ *listen \[::\].*\n/g, "")
          .replaceAll(/ssl_certificate .*;/g, `ssl_certificate ${home}/server.pem;`)
          .replaceAll(/ssl_certificate_key .*;/g, `ssl_certificate_key ${home}/server.key;`)
          .replaceAll("/run/holdfast/holdfast.sock", socket)
          .replaceAll(`server_name ${name}`, "server_name localhost");
        const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        const file = join(home, "nginx.conf");
        const own = `user root; daemon off; pid ${home}/pid; error_log stderr; events {}
http { access_log off; ${folders.map((one) => `${one}_temp_path ${home}/${one};`).join(" ")}
${servers} }\n`;
        writeFileSync(file, own);
        const child = spawn("/usr/sbin/nginx", ["-p", home, "-c", file], {
          stdio: ["ignore", "pipe", "pipe"],
        });
        let output = "";
        for (const stream of [child.stdout, child.stderr])
          stream.on("data", (chunk) => {
            output += chunk;
          });
        const isUp = async () =>
          child.exitCode !== null ||
          (await ask("/-/health/ready").then(
            ({ ok }) => ok,
            () => false,
          ));
        await waitFor(isUp, () => output, 20_000);
        expect([child.exitCode, output]).toEqual([null, output]);
        return child;
      }

      const ask = (to: string, init: RequestInit = {}) =>
        fetch(url + to, { ...init, tls: { ca: made.authority } } as RequestInit);

      test("every format is served, with addresses that lead back through nginx", async () => {
        const named = async (to: string) => (await ask(to)).text();
        const [tarball = ""] =
          /https:[^"]+coral-[\d.]+\.tgz/.exec(await named("/npm/@reef%2fcoral")) ?? [];
        expect(tarball).toStartWith(`${url}/npm/@reef/coral/-/coral-`);
        expect((await ask(tarball.slice(url.length))).status).toBe(200);
        expect(await named("/pypi/simple/estuary/")).toContain("estuary-1.0.1-py3-none-any.whl");
        expect(await named("/composer/packages.json")).toContain(path || "/composer/");
        for (const to of [
          "/pypi/files/estuary/estuary-1.0.1-py3-none-any.whl",
          "/go/example.test/hull/@v/v1.4.0.zip",
          "/go/sumdb/sum.example.test/supported",
          "/composer/p2/reef/coral.json",
          "/debian/dists/stable/InRelease",
          "/debian/dists/stable/main/binary-amd64/Packages.xz",
          "/debian/pool/main/h/hello/hello_2.10-3_amd64.deb",
          "/",
        ])
          expect([to, (await ask(to)).status]).toEqual([to, 200]);
        expect((await ask("/-/metrics")).status).toBe(403);
      }, 60_000);

      test("what is published goes through it, and the log has who it was", async () => {
        const { body } = npmPublication("@acme/one", "1.0.0", "x".repeat(3_000_000));
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
        const { status } = await ask("/npm/@acme%2fone", { method: "PUT", headers, body });
        expect(status).toBe(201);
        expect((await ask("/npm/@acme/one/-/one-1.0.0.tgz")).status).toBe(200);
        await waitFor(
          () => log.some((line) => line.includes("one-1.0.0.tgz 200")),
          () => log.join("\n"),
        );
        const line = log.find((one) => one.includes("one-1.0.0.tgz 200"))!;
        expect(JSON.parse(line).address).toBe("127.0.0.1");
      }, 60_000);

      test("what a client says of itself is not believed", async () => {
        const headers = {
          "x-forwarded-for": "203.0.113.9",
          "x-forwarded-host": "evil.example.com",
          "x-forwarded-proto": "http",
        };
        const text = await (await ask("/npm/kelp", { headers })).text();
        expect([text.includes(`${url}/npm/kelp/-/`), text.includes("evil")]).toEqual([true, false]);
        await waitFor(
          () => log.some((line) => line.includes("GET /npm/kelp 200")),
          () => log.join("\n"),
        );
        expect(log.some((line) => line.includes("203.0.113.9"))).toBe(false);
      }, 60_000);

      eachClient(["npm", "pip", "uv", "go"], ({ driver, test }) => {
        test("installs through it", async () => {
          const trust = {
            NODE_EXTRA_CA_CERTS: authority,
            PIP_CERT: authority,
            SSL_CERT_FILE: authority,
          };
          const trusting = { ...driver, env: (job: Project) => ({ ...driver.env(job), ...trust }) };
          const wants = {
            npm: ["kelp@2.0.0"],
            pypi: ["estuary==1.0.1"],
            go: ["example.test/hull@v1.4.0"],
          };
          const project = new Project(
            withSumdb(trusting as typeof driver, upstream),
            `${url}/${driver.repository}`,
            wants[driver.repository as keyof typeof wants],
          );
          try {
            await project.install();
          } finally {
            project.remove();
          }
        });
      });
    });
});

const folder = tempFolder("proxies");
afterAll(() => removeTemp(folder));

withPrograms(["caddy"], () => {
  test("Caddy finds its file right", async () => {
    const file = join(folder, "Caddyfile");
    writeFileSync(file, example("Caddyfile"));
    const env = { PATH: process.env["PATH"] ?? "", HOME: folder };
    const { code, output } = await run(
      ["caddy", "validate", "--adapter", "caddyfile", "--config", file],
      { cwd: folder, env },
    );
    expect([code, output]).toEqual([0, expect.stringContaining("Valid configuration")]);
    const formatted = await run(["caddy", "fmt", file], { cwd: folder, env });
    expect(formatted.stdout).toBe(example("Caddyfile"));
  }, 60_000);
});

withPrograms(["haproxy"], () => {
  test("HAProxy finds its file right", async () => {
    const { certificate, key } = makeCertificate(["packages.example.com"], 30).pair;
    mkdirSync(join(folder, "certificates"));
    writeFileSync(join(folder, "certificates", "one.pem"), certificate + key);
    const file = join(folder, "haproxy.cfg");
    writeFileSync(
      file,
      example("haproxy.cfg").replace("/etc/haproxy/certificates/", `${folder}/certificates/`),
    );
    const { code, output } = await run(["/usr/sbin/haproxy", "-c", "-f", file], { cwd: folder });
    expect([code, output]).toEqual([0, expect.stringContaining("Configuration file is valid")]);
    expect(output).not.toContain("[ALERT]");
  }, 60_000);

  test("HAProxy lets nobody have figures, by whichever path", async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const file = join(folder, "plain.cfg");
    writeFileSync(
      file,
      example("haproxy.cfg").replace(/^ {2}bind .*$/m, `  bind 127.0.0.1:${port}`),
    );
    const child = spawn("/usr/sbin/haproxy", ["-db", "-f", file], { stdio: "ignore" });
    try {
      const asked = async (path: string, host: string) =>
        (await sendRaw(url, [`GET ${path} HTTP/1.1`, `host: ${host}`])).status;
      const [own, below] = ["packages.example.com", "www.example.com"];
      // Nobody stands behind it.
      await waitFor(
        () =>
          asked("/-/health/live", own).then(
            (status) => status === 503,
            () => false,
          ),
        () => "HAProxy does not serve",
        20_000,
      );
      for (const path of METRICS_PATHS) {
        expect([path, await asked(path, own)]).toEqual([path, 403]);
        expect([path, await asked(`/holdfast${path}`, below)]).toEqual([path, 403]);
      }
      for (const path of OTHER_PATHS) {
        expect([path, await asked(path, own)]).toEqual([path, 503]);
        expect([path, await asked(`/holdfast${path}`, below)]).toEqual([path, 503]);
      }
    } finally {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      if (child.kill("SIGTERM")) await gone;
    }
  }, 60_000);
});
