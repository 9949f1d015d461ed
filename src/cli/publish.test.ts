import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { runCli } from "./index.ts";
import { type PublishDeps, publishCommand } from "./publish.ts";
import { fakeTerminal } from "./testing.ts";

const folder = mkdtempSync(join(tmpdir(), "holdfast-publish-"));
afterAll(() => rmSync(folder, { recursive: true }));
const data = join(folder, "data");
mkdirSync(data);
writeFileSync(join(data, "holdfast.db"), "");
writeFileSync(join(folder, "a@1.zip"), "");
const file = join(folder, "holdfast.yaml");
writeFileSync(
  file,
  "repositories: { one: { format: zips, offline: true }, two: { format: zips, offline: true }, deb: { format: debs, offline: true } }\n",
);

const format = (name: string, publishes?: Record<string, string>) => ({
  name,
  options: z.strictObject({}),
  ...(publishes && { publishes }),
});
const formats = [format("zips", {}), format("debs", { suite: "Of this suite" }), format("npm")];

async function run(...words: string[]) {
  const seen: Record<string, string>[] = [];
  const operate: PublishDeps["operate"] = async (_config, { name, repository, values = {} }) => {
    const { by: _, files, ...rest } = values;
    seen.push({ name, at: repository, ...rest, files: JSON.parse(files!).join(" ") });
    return true;
  };
  const terminal = fakeTerminal({ cwd: folder });
  const commands = [publishCommand({ formats, operate, signals: () => () => {} })];
  const argv = ["publish", ...words, "--config", file, "--data", data];
  return {
    code: await runCli(argv, commands, terminal),
    asked: seen[0] ?? null,
    err: terminal.printed.err,
  };
}

const at = (name: string) => join(folder, name);
const release = { name: "publish", at: "", repository: "two" };
const right: [words: string[], want: Record<string, string>][] = [
  [
    ["zips", "acme/ui@1.2.3", "ui.zip", "--repository", "two"],
    { ...release, package: "acme/ui", version: "1.2.3", files: at("ui.zip") },
  ],
  [
    ["zips", "two", "@a/b@1", "/x/y.zip"],
    { ...release, package: "@a/b", version: "1", files: "/x/y.zip" },
  ],
  [["zips", "two", "ui.zip"], { ...release, files: at("ui.zip") }],
  // A file that is there is a file.
  [["zips", "two", "a@1.zip"], { ...release, files: at("a@1.zip") }],
  [
    ["debs", "a.deb", "b.deb", "--suite", "trixie"],
    { ...release, repository: "deb", suite: "trixie", files: `${at("a.deb")} ${at("b.deb")}` },
  ],
];
for (const [words, want] of right)
  test(`publish ${words.join(" ")}`, async () => {
    const { code, asked, err } = await run(...words);
    expect([code, err]).toEqual([0, ""]);
    expect(asked).toEqual(want);
  });

const wrong: [words: string[], why: string][] = [
  [["zips"], "what is missing: FORMAT [REPOSITORY] [PACKAGE@VERSION] FILE..."],
  [["zips", "two"], "which file?"],
  [["zips", "two", "acme/ui@1"], "which file?"],
  [["zips", "ui.zip"], "in which repository? --repository one|two"],
  [["zips", "ui.zip", "--repository", "deb"], "unknown repository of zips"],
  [["npm", "a.tgz"], "unknown format"],
];
for (const [words, why] of wrong)
  test(`refused: publish ${words.join(" ")}`, async () => {
    const { code, asked, err } = await run(...words);
    expect([code, asked]).toEqual([2, null]);
    expect(err).toContain(why);
  });
