// A server over TLS, as people run it and as real clients use it: with an authority that they were told to trust, and no other.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { makeCertificate } from "./support/certificates.ts";
import { type ServerProcess, startProcess } from "./support/process.ts";
import { run } from "./support/run.ts";
import { tarOf } from "./support/tar.ts";
import { tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

const main = new URL("../src/main.ts", import.meta.url).pathname;
const home = tempFolder("tls");
const [first, second] = [90, 9].map((days) => makeCertificate(["localhost", "127.0.0.1"], days));
const file = (name: string) => join(home, name);
const show = ({ pair }: NonNullable<typeof first>) => {
  writeFileSync(file("server.pem"), pair.certificate);
  writeFileSync(file("server.key"), pair.key);
};

/** One package, whose tarball holds its package.json. */
const packageJson = Buffer.from('{"name":"left-pad","version":"1.0.0"}');
const tarball = gzipSync(tarOf("package/package.json", packageJson));
const upstream = createServer((request, response) => {
  if (request.url!.endsWith(".tgz")) return response.end(tarball);
  const shasum = new Bun.CryptoHasher("sha1").update(tarball).digest("hex");
  const integrity = `sha512-${new Bun.CryptoHasher("sha512").update(tarball).digest("base64")}`;
  const dist = { shasum, integrity, tarball: "http://elsewhere.example.com/left-pad-1.0.0.tgz" };
  const versions = { "1.0.0": { name: "left-pad", version: "1.0.0", dist } };
  response.setHeader("content-type", "application/json");
  return response.end(
    JSON.stringify({ name: "left-pad", "dist-tags": { latest: "1.0.0" }, versions }),
  );
});

let server: ServerProcess;
beforeAll(async () => {
  writeFileSync(file("first.pem"), first!.authority);
  writeFileSync(file("second.pem"), second!.authority);
  show(first!);
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as { port: number };
  const npm = { upstreams: [{ url: `http://127.0.0.1:${port}/` }] };
  const others = { pypi: false, go: false, composer: false, debian: false };
  server = await startProcess({
    config: JSON.stringify({
      tls: { certificate: file("server.pem"), key: file("server.key") },
      repositories: { ...others, "debian-security": false, npm },
    }),
    authority: first!.authority,
  });
}, 30_000);
afterAll(async () => {
  await server?.stop();
  upstream.close();
});

const curl = (authority: string, path: string) =>
  run(["curl", "-sS", "--cacert", file(authority), `${server.url}${path}`], { cwd: home });
const holdfast = (...words: string[]) =>
  run([process.execPath, main, ...words, "--config", server.config, "--data", server.data], {
    cwd: home,
  });

test("curl gets what it asks for over https, in https, and only with the authority", async () => {
  expect(server.url).toStartWith("https://");
  const { stdout } = await curl("first.pem", "/npm/left-pad");
  expect(JSON.parse(stdout).versions["1.0.0"].dist.tarball).toBe(
    `${server.url}/npm/left-pad/-/left-pad-1.0.0.tgz`,
  );
  expect((await curl("second.pem", "/npm/left-pad")).code).toBe(60);
  const plain = await run(["curl", "-sS", server.url.replace("https", "http")], { cwd: home });
  expect(plain.code).not.toBe(0);
});

test("npm installs with a CA file", async () => {
  const project = tempFolder("tls-npm");
  writeFileSync(join(project, "package.json"), '{"name":"mine","version":"1.0.0"}');
  writeFileSync(
    join(project, ".npmrc"),
    `registry=${server.url}/npm/\ncafile=${file("first.pem")}\naudit=false\nfund=false\ncache=${join(project, "cache")}\n`,
  );
  // What an outer npm tells it by variables would win over the file.
  const env = { PATH: process.env["PATH"] ?? "", HOME: project };
  const { code, output } = await run(["npm", "install", "left-pad"], { cwd: project, env });
  expect([code, output]).toEqual([0, expect.stringContaining("added 1 package")]);
}, 60_000);

test("commands find the server, and doctor knows it", async () => {
  expect(await holdfast("gc")).toMatchObject({ code: 0 });
  const listen = ["--listen", new URL(server.url).host, "--offline"];
  const { output } = await holdfast("doctor", ...listen);
  expect(output).toContain("is where this server listens already");
  expect(output).toMatch(/tls .*localhost, 127\.0\.0\.1, until \d{4}-/);
}, 20_000);

test("a new certificate is shown after a reload, and one that ends soon is told", async () => {
  show(second!);
  const { code, output } = await holdfast("reload");
  expect([code, output]).toEqual([0, "Took the configuration in: tls changed\n"]);
  expect((await curl("second.pem", "/-/health/live")).code).toBe(0);
  expect((await curl("first.pem", "/-/health/live")).code).toBe(60);
  expect(server.output()).toContain("The certificate ends on ");
  expect((await holdfast("config", "check")).output).toContain("! tls the certificate ends on ");
});

test("and without one, when its files have changed and settled; wrong ones change nothing", async () => {
  writeFileSync(file("server.key"), first!.pair.key);
  await waitFor(
    () => server.output().includes("server.key holds the key of another certificate"),
    server.output,
    40_000,
  );
  expect((await curl("second.pem", "/-/health/live")).code).toBe(0);
  show(first!);
  await waitFor(
    async () => (await curl("first.pem", "/-/health/live")).code === 0,
    server.output,
    40_000,
  );
  const wrong = { tls: { certificate: file("server.key"), key: "none.key" } };
  writeFileSync(server.config, JSON.stringify(wrong));
  const { code, output } = await holdfast("reload");
  expect(code).toBe(1);
  expect(output).toMatch(/tls\.certificate +\S+server\.key holds no PEM certificate|cannot read/);
  expect((await curl("first.pem", "/-/health/live")).code).toBe(0);
}, 120_000);
