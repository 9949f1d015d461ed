// The files for Docker, as far as they can be looked at without it: known instructions, nothing from nowhere, no root, and commands that there are.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { targets } from "../scripts/build.ts";
import { loadConfig } from "../src/config/load.ts";
import { formats } from "../src/formats/index.ts";
import { commands } from "../src/main.ts";

const root = new URL("../", import.meta.url).pathname;
const names = commands().map(({ name }) => name);

/** Each instruction with its words; a line may go on in the next one. */
const instructions = readFileSync(join(root, "deploy/Dockerfile"), "utf8")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll(/\\\n\s*/g, "")
  .split("\n")
  .filter(Boolean)
  .map((line) => /^([A-Z]+) (.*)$/.exec(line)!.slice(1) as [string, string]);
const of = (wanted: string) =>
  instructions.filter(([name]) => name === wanted).map(([, text]) => text);

test("the Dockerfile has two stages, of tags that are said, and the second one runs as nobody's root", () => {
  const known =
    "FROM RUN WORKDIR COPY ENV USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD";
  expect(instructions.map(([name]) => name).filter((name) => !known.includes(name))).toEqual([]);
  expect(of("FROM").map((from) => /^[a-z]+:[a-z0-9.-]+( AS build)?$/.test(from))).toEqual([
    true,
    true,
  ]);
  expect(of("USER")).toEqual(["holdfast"]);
  const order = instructions.map(([name]) => name);
  expect(order.indexOf("USER")).toBeGreaterThan(order.lastIndexOf("RUN"));
  expect(of("COPY")).toEqual([". .", "--from=build /holdfast /usr/bin/holdfast"]);
  for (const run of of("RUN").filter((text) => text.includes("apt-get")))
    expect(run).toMatch(
      /apt-get update && .*--no-install-recommends .*&& rm -rf \/var\/lib\/apt\/lists\/\*/,
    );
});

test("what it builds and what it starts is there", () => {
  expect(of("RUN").join()).toContain('target="linux-$(node -p process.arch)"');
  expect(Object.keys(targets)).toEqual(["linux-x64", "linux-arm64"]); // as Node.js calls them
  expect(names).toContain(JSON.parse(of("CMD")[0]!)[0]);
  const [, health] = JSON.parse(/CMD (\[.*\])/.exec(of("HEALTHCHECK")[0]!)![1]!);
  expect(names).toContain(health);
  const env = Object.fromEntries(
    of("ENV")[0]!
      .split(" ")
      .map((one) => one.split("=") as [string, string]),
  );
  const { data, listen } = loadConfig({ formats, flags: {}, env });
  expect([data, of("VOLUME")[0], listen.port]).toEqual([
    "/var/lib/holdfast",
    data,
    Number(of("EXPOSE")[0]),
  ]);
});

test("compose.yaml has one service of that Dockerfile, and each volume that it names", () => {
  const { services, volumes } = parse(readFileSync(join(root, "deploy/compose.yaml"), "utf8"));
  const { holdfast } = services;
  expect(existsSync(join(root, "deploy", holdfast.build.context, holdfast.build.dockerfile))).toBe(
    true,
  );
  const mounted = holdfast.volumes.map((one: string) => one.split(":")) as string[][];
  expect(mounted.filter(([from]) => !from!.startsWith("./")).map(([from]) => from!)).toEqual(
    Object.keys(volumes),
  );
  expect(mounted.map(([, to]) => to!)).toContain(holdfast.environment.HOLDFAST_CONFIG);
  expect(holdfast.ports).toEqual([`127.0.0.1:${of("EXPOSE")}:${of("EXPOSE")}`]);
});
