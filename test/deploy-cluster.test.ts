// The files for several nodes, as far as they can be looked at without Docker and Kubernetes: their configuration is one that nodes share, and all that they name is there.
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { loadConfig } from "../src/config/load.ts";
import { version } from "../src/core/build.ts";
import { formats } from "../src/formats/index.ts";
import { tempFolder } from "./support/temp.ts";

const deploy = new URL("../deploy/", import.meta.url).pathname;
const read = (path: string) => readFileSync(join(deploy, path), "utf8");

/** Secrets of the configuration are files of the container: here they stand in a folder of the test's own. */
function load(text: string) {
  const folder = tempFolder("deploy");
  const secrets = join(folder, "secrets");
  mkdirSync(secrets);
  const named = [...text.matchAll(/File: \/run\/secrets\/(\S+)/g)].map(([, name]) => name!);
  for (const name of named) {
    const file = join(secrets, name);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, "secret\n", { mode: 0o600 });
  }
  const file = join(folder, "holdfast.yaml");
  writeFileSync(file, text.replaceAll("/run/secrets/", `${secrets}/`));
  const env = { HOLDFAST_DATA: "/var/lib/holdfast", HOLDFAST_LISTEN: "0.0.0.0:4653" }; // as the image has it
  return { config: loadConfig({ file, formats, flags: {}, env }), named };
}

test("compose.yaml has three nodes of one configuration, which has a database and a bucket, and each volume and secret that it names", () => {
  const { services, volumes, secrets } = parse(read("cluster/compose.yaml"), { merge: true });
  const nodes = Object.keys(services).filter((name) => name.startsWith("node"));
  expect(nodes).toHaveLength(3);
  const mounts = Object.entries(services).flatMap(([, one]) =>
    ((one as { volumes?: string[] }).volumes ?? []).map((text) => text.split(":")[0]!),
  );
  const own = mounts.filter((from) => !from.startsWith("./"));
  expect([...new Set(own)].sort()).toEqual(Object.keys(volumes).sort());
  for (const from of mounts.filter((from) => from.startsWith("./")))
    expect([from, existsSync(join(deploy, "cluster", from))]).toEqual([from, true]);
  for (const name of nodes) {
    const { build, environment, volumes: mounted } = services[name];
    expect(existsSync(join(deploy, "cluster", build.context, build.dockerfile))).toBe(true);
    expect(mounted.map((one: string) => one.split(":")[1])).toContain(environment.HOLDFAST_CONFIG);
  }
  // No two nodes have one data directory.
  const data = nodes.map((name) =>
    services[name].volumes.find((one: string) => one.endsWith(":/var/lib/holdfast")),
  );
  expect(new Set(data).size).toBe(3);

  const { config, named } = load(read("cluster/holdfast.yaml"));
  expect(named.sort()).toEqual(Object.keys(secrets).sort());
  expect([config.database?.host, config.store?.endpoint]).toEqual([
    "/run/postgresql",
    "http://bucket:7070",
  ]);
  expect(Object.keys(services)).toContain(new URL(config.store!.endpoint).hostname);
});

test("nginx.conf and haproxy.cfg send to each node of compose.yaml, by the address that it listens on", () => {
  const { services } = parse(read("cluster/compose.yaml"), { merge: true });
  const nodes = Object.keys(services).filter((name) => name.startsWith("node"));
  // Those that are asked, and those that are where each of them failed; for who reads, and for who changes something.
  for (const file of ["nginx.conf", "haproxy.cfg"]) {
    const asked = [...read(`cluster/${file}`).matchAll(/^ {2}server .*?(\w+):4653 /gm)];
    expect(asked.map(([, name]) => name!)).toEqual([...nodes, ...nodes]);
  }
});

test("the chart is of this version, and its values are a configuration that several nodes share", () => {
  const chart = parse(read("helm/holdfast/Chart.yaml"));
  expect(chart.appVersion).toBe(version);
  const values = parse(read("helm/holdfast/values.yaml"));
  expect(values.replicas).toBeGreaterThan(1);
  const { config } = load(stringify(values.config));
  expect([config.database?.host, config.store?.bucket]).toEqual([
    "postgres.example.com",
    "packages",
  ]);
});
