// For each format: what was fetched and what was published at the primary is served by a follower with the line cut, byte for byte, to whoever asks as clients do.
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { archiveOf } from "../src/formats/composer/testdata/archives.ts";
import { formats } from "../src/formats/index.ts";
import { contentType, uploadForm, wheel } from "../src/formats/pypi/testdata/distributions.ts";
import { build } from "./support/fake-upstream/apt-packages.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import {
  awaitBrought,
  bearer,
  openToFollowers,
  startFollower,
  type TestFollower,
  tokenOf,
} from "./support/follower.ts";
import { type Line, startLine } from "./support/line.ts";
import { npmPublication } from "./support/npm-package.ts";
import { startServer, type TestServer } from "./support/server.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";

setDefaultTimeout(180_000);

/** Asks as Ann, and gives the body. Throws for anything but 200. */
type Get = (path: string) => Promise<Buffer>;
type Send = (method: string, path: string, body: BodyInit, type?: string) => Promise<Response>;

interface Scenario {
  /** Publishes something at the primary. */
  publish(send: Send): Promise<Response>;
  /** Everything that clients ask for who install what was fetched and what was published. */
  install(get: Get): Promise<void>;
  /** Nothing is brought before somebody asks for it here. */
  isOnDemand?: true;
}

const json = async (get: Get, path: string) => JSON.parse((await get(path)).toString());
const pathOf = (url: string) => new URL(url).pathname;
const MODULE = "git.example.test/ours/lib";

/** By format: each has to have one. */
const scenarios: Record<string, Scenario> = {
  npm: {
    publish: (send) =>
      send("PUT", "/npm/@acme%2fui", npmPublication("@acme/ui", "1.0.0").body, "application/json"),
    async install(get) {
      for (const name of ["@acme%2fui", "kelp"]) {
        const { versions } = await json(get, `/npm/${name}`);
        const newest = Object.keys(versions).at(-1)!;
        await get(pathOf(versions[newest].dist.tarball));
      }
    },
  },
  pypi: {
    publish: (send) =>
      send("POST", "/pypi/legacy/", new Uint8Array(uploadForm(wheel())), contentType),
    async install(get) {
      for (const project of ["sea-shell", "brine"]) {
        const page = (await get(`/pypi/simple/${project}/`)).toString();
        const [, link] = /<a href="([^"#]+)/.exec(page)!;
        await get(pathOf(new URL(link!, `http://here.test/pypi/simple/${project}/`).href));
      }
    },
  },
  go: {
    publish: (send) =>
      send(
        "PUT",
        `/-/api/v1/repositories/go/packages/${encodeURIComponent(MODULE)}/releases/v1.0.0/files/lib.zip`,
        new Uint8Array(upstream.go.zip(MODULE, "v1.0.0")),
      ),
    async install(get) {
      for (const [module, version] of [
        [MODULE, "v1.0.0"],
        ["example.test/anchor", "v1.1.0"],
      ] as const) {
        for (const what of ["list", `${version}.info`, `${version}.mod`, `${version}.zip`])
          await get(`/go/${module}/@v/${what}`);
        await get(`/go/${module}/@latest`);
      }
      const sumdb = `/go/sumdb/${upstream.go.sumdb.name}`;
      await get(`${sumdb}/supported`);
      await get(`${sumdb}/lookup/example.test/anchor@v1.1.0`);
    },
  },
  composer: {
    publish: (send) =>
      send("PUT", "/composer/packages/upload/acme/ui/1.2.3", archiveBody("acme/ui - A kit")),
    async install(get) {
      await get("/composer/packages.json");
      for (const name of ["acme/ui", "reef/coral"]) {
        const { packages } = await json(get, `/composer/p2/${name}.json`);
        await get(pathOf(packages[name][0].dist.url));
      }
    },
  },
  apt: {
    isOnDemand: true,
    publish: (send) =>
      send("PUT", "/older/-/upload/stable/shell.deb", built({ name: "shell", version: "1.0" })),
    async install(get) {
      for (const repository of ["debian", "older"]) {
        const release = (await get(`/${repository}/dists/stable/InRelease`)).toString();
        const index = "main/binary-amd64/Packages.gz";
        const [, sha256] = new RegExp(`^ ([0-9a-f]{64}) +\\d+ ${index}$`, "m").exec(release)!;
        const folder = `/${repository}/dists/stable/main/binary-amd64/by-hash/SHA256`;
        const packages = gunzipSync(await get(`${folder}/${sha256}`)).toString();
        const [, file] = /^Filename: (.*)$/m.exec(packages)!;
        await get(`/${repository}/${file}`);
      }
    },
  },
};
const archiveBody = (text: string) => new Uint8Array(archiveOf(text));
const built = (item: Parameters<typeof build>[0]) => new Uint8Array(build(item, null).bytes);

let upstream: FakeUpstream;
let primary: TestServer;
let line: Line;
let follower: TestFollower;
let ann: string;
let isCut = false;
let home: string;

beforeAll(async () => {
  home = tempFolder("formats");
  upstream = await startUpstream();
  upstream.go.publish(MODULE, "v1.0.0", []);
  primary = await startServer(upstream, {
    access: {
      anonymous: "none",
      grants: [
        { to: "user:ann", may: ["publish"] },
        { to: "everyone", may: "read" },
      ],
    },
    claims: {
      npm: ["@acme/*"],
      pypi: ["sea-shell"],
      go: ["git.example.test/*"],
      composer: ["acme/*"],
    },
    apt: { older: { upstreams: undefined, keyring: undefined, hosted: { suites: ["stable"] } } },
  });
  const site = await openToFollowers(primary);
  await primary.account("user add", { name: "ann" });
  ann = await tokenOf(primary, "ann");
  const { archive } = upstream.apt.keyFiles;
  const keyring = join(home, "older.asc");
  writeFileSync(keyring, await getFrom(primary.url)("/older/-/key.asc"));
  line = startLine(primary.url);
  const { name, key } = upstream.go.sumdb;
  follower = await startFollower(line.url, site, {
    go: { sumdb: { name, key } },
    debian: { keyring: archive },
    "debian-security": false,
    older: { format: "apt", keyring },
  });
});
afterAll(async () => {
  await follower?.stop();
  await line?.stop();
  await primary?.stop();
  await upstream?.stop();
  removeTemp(home);
});

afterEach(() => {
  if (isCut) line.mend();
  isCut = false;
});

function getFrom(url: string, seen?: Map<string, string>): Get {
  return async (path) => {
    const answer = await fetch(url + path, { headers: bearer(ann), redirect: "manual" });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (answer.status !== 200)
      throw new Error(`${path} ${answer.status} ${bytes.toString().slice(0, 500)}`);
    // Each shows its own address.
    const shown = Buffer.from(bytes.toString("latin1").replaceAll(url, "{base}"), "latin1");
    seen?.set(path, createHash("sha256").update(shown).digest("hex"));
    return bytes;
  };
}

const send: Send = (method, path, body, type) =>
  fetch(primary.url + path, {
    method,
    headers: { ...bearer(ann), ...(type && { "content-type": type }) },
    body,
  });

/** All that the primary said and has, as far as it is brought, and then no way to it. */
async function cut(isOnDemand: boolean): Promise<void> {
  const there = primary.files().filter(({ repository }) => !isApt(repository));
  await awaitBrought(follower, isOnDemand ? [] : there.map(({ file }) => file));
  await line.cut();
  isCut = true;
}

const isApt = (repository: string) => ["debian", "older"].includes(repository);

test("every format is looked at", () => {
  expect(Object.keys(scenarios).sort()).toEqual(formats.map(({ name }) => name).sort());
});

for (const [format, { publish, install, isOnDemand }] of Object.entries(scenarios))
  test(`${format}: what was fetched and published there is installed here with the line cut`, async () => {
    const published = await publish(send);
    expect([published.status < 300, await published.text()]).toEqual([true, expect.any(String)]);
    const [there, here] = [new Map<string, string>(), new Map<string, string>()];
    // Twice: a document may tell more of a file once that was fetched.
    await install(getFrom(primary.url));
    await install(getFrom(primary.url, there));
    if (isOnDemand) await install(getFrom(follower.url));
    await cut(isOnDemand ?? false);
    await install(getFrom(follower.url, here));
    expect(Object.fromEntries(here)).toEqual(Object.fromEntries(there));
    // What there is to tell of it was told at the primary.
    expect(follower.events().map(({ kind, package: name }) => `${kind} ${name}`)).toEqual([]);
  });
