// npm, pip and twine in a second site: what was published in the first is installed there with the line cut, and nothing is published there.
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { openToFollowers, startFollower, type TestFollower, tokenOf } from "../support/follower.ts";
import { type Line, startLine } from "../support/line.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { commandOf, withPrograms } from "./clients.ts";
import { npmCall, npmPublishers, writeNpmProject } from "./npm-publishers.ts";
import { publishers, runIn, writeProject } from "./pypi-publishers.ts";

setDefaultTimeout(300_000);

let upstream: FakeUpstream;
let primary: TestServer;
let line: Line;
let follower: TestFollower;
let ann: string;

beforeAll(async () => {
  upstream = await startUpstream();
  primary = await startServer(upstream, {
    access: {
      anonymous: "none",
      grants: [{ to: "user:ann", may: ["publish"] }],
    },
    claims: { npm: ["@acme/*"], pypi: ["sea-shell"] },
  });
  const site = await openToFollowers(primary);
  await primary.account("user add", { name: "ann" });
  ann = await tokenOf(primary, "ann");
  line = startLine(primary.url);
  follower = await startFollower(line.url, site, {
    go: false,
    composer: false,
    debian: false,
    "debian-security": false,
  });
});
afterAll(async () => {
  await follower?.stop();
  await line?.stop();
  await primary?.stop();
  await upstream?.stop();
});

afterEach(() => line.mend());

/** Everything that there is, there and here, and then no way between the two. */
async function cut(): Promise<void> {
  const there = primary.files().map((one) => one.file);
  expect(there).not.toEqual([]);
  const missing = () => {
    const here = new Set(follower.files().map((one) => one.file));
    return there.filter((file) => !here.has(file));
  };
  const done = async () => {
    // Heard first: what a file's leaf makes wanted is counted with the leaf.
    if (missing().length > 0) return false;
    const { state, toBring, behindLeaves } = await follower.following();
    return state === "following" && toBring === 0 && behindLeaves === 0;
  };
  await waitFor(
    done,
    () => `not here: ${missing()}; ${follower.log.slice(-20).join("\n")}`,
    60_000,
  );
  await line.cut();
  const isCut = async () => (await follower.following()).state === "cut";
  await waitFor(isCut, () => "it does not know that the line is cut", 60_000);
}

withPrograms(["npm"], () => {
  describe("npm", () => {
    const npm = npmPublishers.find(({ name }) => name === "npm")!;
    function project(url: string, manifest: Record<string, unknown>) {
      const [folder, home] = [tempFolder("site"), tempFolder("site-home")];
      writeNpmProject(folder, manifest, npm.files(`${url}/npm`, ann));
      const run = (...args: string[]) => runIn(folder, home, npmCall("npm", args, home, npm.env));
      return { folder, run };
    }

    test("installs what was published in the first site, and is told where to publish", async () => {
      const made = project(primary.url, { name: "@acme/ui", version: "1.0.0" });
      const published = await made.run(...npm.publish);
      expect([published.code, published.output]).toEqual([0, expect.any(String)]);
      // What it depends on is fetched in the first site alone.
      const app = {
        name: "app",
        version: "1.0.0",
        dependencies: { "@acme/ui": "^1.0.0", kelp: "2.0.0" },
      };
      const there = await project(primary.url, app).run(...npm.install);
      expect([there.code, there.output]).toEqual([0, expect.any(String)]);
      await cut();
      const here = project(follower.url, app);
      const installed = await here.run(...npm.install);
      expect([installed.code, installed.output]).toEqual([0, expect.any(String)]);
      for (const name of ["@acme/ui", "kelp", "left-pad", "tide"])
        expect(existsSync(join(here.folder, "node_modules", name, "package.json"))).toBe(true);
      const refused = await project(follower.url, { name: "@acme/ui", version: "1.1.0" }).run(
        ...npm.publish,
      );
      expect([refused.code === 0, refused.output]).toEqual([
        false,
        expect.stringContaining(`This server follows ${line.url} and is for reading alone`),
      ]);
    });
  });
});

withPrograms(["pip", "twine"], () => {
  test("pip installs what twine published in the first site, and twine is told where to publish", async () => {
    const twine = publishers.find(({ name }) => name === "twine")!;
    const [folder, home, into] = [
      tempFolder("shell"),
      tempFolder("shell-home"),
      tempFolder("into"),
    ];
    writeProject(twine, folder, "sea-shell", "1.0");
    const built = await runIn(folder, home, { command: twine.build!, env: {} });
    expect([built.code, built.output]).toEqual([0, expect.any(String)]);
    const upload = (url: string) =>
      runIn(folder, home, twine.publish(`${url}/pypi`, { user: "__token__", password: ann }));
    const published = await upload(primary.url);
    expect([published.code, published.output]).toEqual([0, expect.any(String)]);
    await cut();
    const index = follower.url.replace("://", `://__token__:${ann}@`);
    const installed = await runIn(folder, home, {
      command: [
        ...commandOf("pip"),
        ...["install", "--quiet", "--no-cache-dir", "--target", into],
        ...["--index-url", `${index}/pypi/simple/`, "sea-shell==1.0"],
      ],
      env: {},
    });
    expect([installed.code, installed.output]).toEqual([0, expect.any(String)]);
    expect(readFileSync(join(into, "sea_shell", "__init__.py"), "utf8")).toContain('"1.0"');
    const refused = await upload(follower.url);
    expect([refused.code === 0, refused.output]).toEqual([
      false,
      expect.stringContaining("is for reading alone"),
    ]);
  });
});
