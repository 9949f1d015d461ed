// npm, pip, twine, go, Composer and apt in a second site: what was published in the first is installed there with the line cut, and nothing is published there.
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { archiveOf } from "../../src/formats/composer/testdata/archives.ts";
import { build } from "../support/fake-upstream/apt-packages.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import {
  awaitBrought,
  bearer,
  openToFollowers,
  startFollower,
  type TestFollower,
  tokenOf,
} from "../support/follower.ts";
import { type Line, startLine } from "../support/line.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { AptRoot } from "./apt-root.ts";
import { commandOf, eachClient, withPrograms } from "./clients.ts";
import { ComposerProject } from "./composer-project.ts";
import { goCommand } from "./go-code.ts";
import { npmCall, npmPublishers, writeNpmProject } from "./npm-publishers.ts";
import { publishers, runIn, writeProject } from "./pypi-publishers.ts";

setDefaultTimeout(300_000);

let upstream: FakeUpstream;
let primary: TestServer;
let line: Line;
let follower: TestFollower;
let ann: string;
let isCut = false;
/** The file with the key of the repository in which packages are published. */
let older: string;

const MODULE = "git.example.test/ours/lib";

beforeAll(async () => {
  upstream = await startUpstream();
  primary = await startServer(upstream, {
    access: {
      // Machines with apt give no name, and go gives none without TLS.
      anonymous: [{ repositories: ["debian", "older", "go"] }],
      grants: [{ to: "user:ann", may: ["publish"] }],
    },
    claims: {
      npm: ["@acme/*"],
      pypi: ["sea-shell"],
      go: ["git.example.test/*"],
      composer: ["acme/*"],
    },
    apt: { older: { upstreams: undefined, keyring: undefined, hosted: { suites: ["stable"] } } },
  });
  upstream.go.publish(MODULE, "v1.0.0", []);
  older = join(tempFolder("older"), "older.asc");
  writeFileSync(older, await (await fetch(`${primary.url}/older/-/key.asc`)).text());
  const site = await openToFollowers(primary);
  await primary.account("user add", { name: "ann" });
  ann = await tokenOf(primary, "ann");
  line = startLine(primary.url);
  follower = await startFollower(line.url, site, {
    go: { sumdb: { name: upstream.go.sumdb.name, key: upstream.go.sumdb.key } },
    debian: { keyring: upstream.apt.keyFiles.archive },
    "debian-security": false,
    older: { format: "apt", keyring: older },
  });
});
afterAll(async () => {
  await follower?.stop();
  await line?.stop();
  await primary?.stop();
  await upstream?.stop();
});

afterEach(() => {
  if (isCut) line.mend();
  isCut = false;
});

/** Everything that there is, there and here, with what was asked for last and is perhaps not written down there yet, and then no way between the two. */
async function cut(last: readonly string[] = []): Promise<void> {
  // apt's are there once somebody has asked for them.
  const ahead = primary.files().filter((one) => !["debian", "older"].includes(one.repository));
  await awaitBrought(follower, [...ahead.map((one) => one.file), ...last]);
  await line.cut();
  isCut = true;
  const isKnown = async () => (await follower.following()).state === "cut";
  await waitFor(isKnown, () => "it does not know that the line is cut", 60_000);
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

/** As Ann does it, without a client that publishes. */
async function publish(method: string, path: string, body: Uint8Array): Promise<void> {
  const answer = await fetch(primary.url + path, {
    method,
    headers: bearer(ann),
    body: Buffer.from(body),
  });
  expect([answer.status < 300, await answer.text()]).toEqual([true, expect.any(String)]);
}

/** What go fetched of modules that it has whole. */
function filesOf(sums: string): string[] {
  const versions = [...sums.matchAll(/^\S+ (v[^\s/]+) h1:/gm)].map(([, version]) => version);
  return versions.flatMap((version) => ["info", "mod", "zip"].map((kind) => `${version}.${kind}`));
}

eachClient(["go"], ({ driver, test }) => {
  test("gets a module of the first site and one that was fetched there, checked against go.sum's database", async () => {
    const release = `/-/api/v1/repositories/go/packages/${encodeURIComponent(MODULE)}/releases/v1.0.0`;
    await publish("PUT", `${release}/files/lib.zip`, upstream.go.zip(MODULE, "v1.0.0"));
    const sums = [];
    for (const at of [primary.url, follower.url]) {
      if (at === follower.url) await cut(filesOf(sums[0]!));
      const home = tempFolder("go");
      const go = goCommand(driver.command, home, {
        GOPROXY: `${at}/go`,
        GOSUMDB: upstream.go.sumdb.key,
      });
      await go.must("get", `${MODULE}@latest`, "example.test/hull@v1.4.0");
      await go.must("mod", "download");
      sums.push(readFileSync(join(home, "work", "go.sum"), "utf8"));
    }
    expect(sums[1]).toBe(sums[0]!);
    expect(sums[0]).toContain("example.test/anchor v1.1.0 h1:");
    expect(sums[0]).toContain(`${MODULE} v1.0.0 h1:`);
  }, 240_000);
});

withPrograms(["composer"], () => {
  test("Composer installs what was published in the first site, and what was fetched there", async () => {
    await publish("PUT", "/composer/packages/upload/acme/ui/1.2.3", archiveOf("acme/ui - A kit"));
    const locked = [];
    for (const at of [primary.url, follower.url]) {
      if (at === follower.url) await cut();
      const require = { "acme/ui": "1.2.3", "reef/coral": "1.0.0" };
      const project = new ComposerProject([`${at}/composer`], require);
      await project.must("config", "--auth", `http-basic.${new URL(at).host}`, "token", ann);
      await project.must("install");
      for (const name of ["acme/ui", "reef/coral"])
        expect(project.has(`vendor/${name}/composer.json`)).toBe(true);
      locked.push([...project.locked().values()].map(({ name, dist }) => [name, dist?.reference]));
      project.remove();
    }
    expect(locked[1]).toEqual(locked[0]!);
  });
});

withPrograms(["apt"], () => {
  test("apt goes on with what was asked for here before the line was cut, on a new machine as well", async () => {
    const shell = build({ name: "shell", version: "1.0" }, null);
    await publish("PUT", "/older/-/upload/stable/shell.deb", shell.bytes);
    const machine = () =>
      new AptRoot([
        { url: `${follower.url}/older`, suite: "stable main", key: older },
        {
          url: `${follower.url}/debian`,
          suite: "stable main",
          key: upstream.apt.keyFiles.archive,
        },
      ]);
    const [first, second] = [machine(), machine()];
    await first.update();
    const before = await first.download("shell", "hello");
    expect([...before.keys()]).toContain("shell_1.0_all.deb");
    await cut();
    await second.update();
    expect(await second.download("shell", "hello")).toEqual(before);
    for (const one of [first, second]) one.remove();
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
