// Route by decision: every route of every format, for a release that is allowed, held, held but here before, waived, and blocked; asked by GET, HEAD and Range,
// again, and while the upstream is away. A format or a kind of route that nothing is said of fails.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { formats } from "../src/formats/index.ts";
import { type FakeUpstream, startUpstream } from "./support/fake-upstream/index.ts";
import { startServer, type TestServer } from "./support/server.ts";

const DAY = 86_400_000;
/** To the second, as releases of Debian tell it. */
const YOUNG = new Date(Math.floor((Date.now() - DAY) / 1000) * 1000);

const states = [
  "allowed",
  "held",
  "held, here before",
  "waived",
  "blocked",
  "blocked, here before",
] as const;
type State = (typeof states)[number];
const isHeld = (state: State) => state.startsWith("held");
const isBlocked = (state: State) => state.startsWith("blocked");

/** What a kind of route gives of the release. `shows`: a list or a choice, which leaves it out. */
type Does =
  /** The bytes of the release. */
  | { gives: "bytes"; path: string }
  /** What resolvers need of a release that they will not take. */
  | { gives: "description"; path: string }
  /** An answer about this one release. */
  | { gives: "answer"; path: string }
  | { gives: "list"; path: string; shows(text: string, state: State): boolean; accept?: string };
/** Why nothing of the release comes by a kind of route. */
type Never = string;

interface Subject {
  purl: string;
  rule: string;
  /** Asked for before the release is there. */
  before: string[];
  publish(upstream: FakeUpstream): Promise<void> | void;
  refusal: number;
  routes: Record<string, Does | Does[] | Never>;
  /** What a waiver is for, where that is not the release. */
  waived?: string;
}

const json = (text: string) => JSON.parse(text);
const CHANGES = "changes what is published here, which rules are not about";
const ACCOUNT = "is about the caller's account";
const REFERENCE = "{reference}";

const subjects: Record<string, Subject> = {
  npm: {
    purl: "pkg:npm/kelp@2.1.0",
    rule: "pkg:npm/kelp",
    before: ["/npm/kelp"],
    publish: ({ npm }) => npm.publish({ name: "kelp", version: "2.1.0", time: YOUNG }),
    refusal: 403,
    routes: {
      packument: [
        { gives: "list", path: "/npm/kelp", shows: (text) => "2.1.0" in json(text).versions },
        {
          gives: "list",
          path: "/npm/kelp",
          accept: "application/vnd.npm.install-v1+json",
          shows: (text) => "2.1.0" in json(text).versions,
        },
      ],
      distTags: {
        gives: "list",
        path: "/npm/-/package/kelp/dist-tags",
        shows: (text) => json(text).latest === "2.1.0",
      },
      version: [
        { gives: "answer", path: "/npm/kelp/2.1.0" },
        {
          gives: "list",
          path: "/npm/kelp/latest",
          shows: (text) => json(text).version === "2.1.0",
        },
      ],
      tarball: { gives: "bytes", path: "/npm/kelp/-/kelp-2.1.0.tgz" },
      attestations: "tells who made a release, to who has it",
      search: "is the upstream's own list: what is installed is asked for by its document",
      keys: "tells keys",
      ping: "tells nothing of packages",
      advisories: "tells what is known of versions that the caller names",
      audit: "tells what is known of versions that the caller names",
      starred: ACCOUNT,
      whoami: ACCOUNT,
      webLogin: ACCOUNT,
      loginDone: ACCOUNT,
      userLogin: ACCOUNT,
      user: ACCOUNT,
      userPackages: ACCOUNT,
      logout: ACCOUNT,
      revokeToken: ACCOUNT,
      profile: ACCOUNT,
      tokens: ACCOUNT,
      teams: ACCOUNT,
      team: ACCOUNT,
      exchange: ACCOUNT,
      visibility: ACCOUNT,
      collaborators: ACCOUNT,
      publish: CHANGES,
      rewrite: CHANGES,
      unpublish: CHANGES,
      tag: CHANGES,
      setAccess: CHANGES,
      unsupported: CHANGES,
    },
  },
  pypi: {
    purl: "pkg:pypi/estuary@1.1.0",
    rule: "pkg:pypi/estuary",
    before: ["/pypi/simple/estuary/"],
    publish: ({ pypi }) => pypi.publish("estuary", "1.1.0", [], {}, YOUNG),
    refusal: 403,
    routes: {
      project: [
        {
          gives: "list",
          path: "/pypi/simple/estuary/",
          accept: "application/vnd.pypi.simple.v1+json",
          // Held is shown as yanked, with the reason.
          shows: (text, state) => {
            const file = json(text).files.find(({ filename }: { filename: string }) =>
              filename.includes("-1.1.0-"),
            );
            if (isHeld(state) && !String(file?.yanked).includes("held by the rule")) return true;
            return file !== undefined && !file.yanked;
          },
        },
        {
          gives: "list",
          path: "/pypi/simple/estuary/",
          accept: "text/html",
          shows: (text) => {
            const line = text.split("\n").find((one) => one.includes("-1.1.0-"));
            return line !== undefined && !line.includes("data-yanked");
          },
        },
      ],
      file: { gives: "bytes", path: "/pypi/files/estuary/estuary-1.1.0-py3-none-any.whl" },
      release: [
        // About the newest release, with the others beside it.
        { gives: "description", path: "/pypi/pypi/estuary/json" },
        { gives: "description", path: "/pypi/pypi/estuary/1.1.0/json" },
      ],
      provenance: "tells who made a file, to who has it",
      projects: "names projects and no versions",
      redirect: "leads to another of these",
      upload: CHANGES,
      yank: CHANGES,
      unyank: CHANGES,
      remove: CHANGES,
      write: CHANGES,
    },
  },
  go: {
    purl: "pkg:golang/example.test/anchor@v1.3.0",
    rule: "pkg:golang/example.test/anchor",
    before: ["/go/example.test/anchor/@v/list"],
    publish: ({ go }) => go.publish("example.test/anchor", "v1.3.0", [], {}, YOUNG),
    refusal: 403,
    routes: {
      list: {
        gives: "list",
        path: "/go/example.test/anchor/@v/list",
        shows: (text) => text.includes("v1.3.0"),
      },
      latest: {
        gives: "list",
        path: "/go/example.test/anchor/@latest",
        shows: (text) => json(text).Version === "v1.3.0",
      },
      info: { gives: "description", path: "/go/example.test/anchor/@v/v1.3.0.info" },
      mod: { gives: "description", path: "/go/example.test/anchor/@v/v1.3.0.mod" },
      zip: { gives: "bytes", path: "/go/example.test/anchor/@v/v1.3.0.zip" },
      query: "says which version a branch or a commit is: its files are asked for by that",
      "sumdb-supported": "tells nothing of modules",
      vulndb: "tells what is known of versions, whatever is done about them",
      "sumdb-latest": "is a tree, signed as a whole",
      "sumdb-lookup": "tells a checksum, to who has the module",
      "sumdb-tile": "is a part of a tree that is signed as a whole",
    },
  },
  composer: {
    purl: "pkg:composer/reef/coral@1.2.0",
    rule: "pkg:composer/reef/coral",
    before: ["/composer/p2/reef/coral.json"],
    publish: ({ composer }) => composer.packages.publish("reef/coral", "1.2.0"),
    refusal: 424,
    routes: {
      package: {
        gives: "list",
        path: "/composer/p2/reef/coral.json",
        shows: (text) =>
          json(text).packages["reef/coral"].some(
            ({ version }: { version?: string }) => version === "1.2.0",
          ),
      },
      dist: { gives: "bytes", path: `/composer/dists/reef/coral/1.2.0.0/${REFERENCE}.zip` },
      root: "names no versions",
      search: "names packages and no versions",
      list: "names packages and no versions",
      providers: "names packages and no versions",
      advisories: "tells what is known of versions",
      filterSummary: "tells what to keep away from",
      filter: "tells what to keep away from",
      downloads: "takes counts, and tells nothing",
      upload: CHANGES,
      unsupported: CHANGES,
    },
  },
  apt: {
    purl: "pkg:deb/debian/extra@1.0",
    // What is held is the release of the suite.
    waived: `pkg:deb/dists/stable@${YOUNG.toISOString().replace(/[-:]|\.\d+/g, "")}`,
    rule: "pkg:deb/*",
    before: [
      "/debian/dists/stable/InRelease",
      "/debian/dists/stable/main/binary-amd64/Packages.xz",
      "/debian/dists/stable/main/binary-amd64/Packages",
    ],
    async publish({ apt }) {
      apt.archives.debian.add("stable", { name: "extra", version: "1.0" });
      await apt.archives.debian.renew("stable", { date: YOUNG });
    },
    refusal: 403,
    routes: {
      inrelease: {
        gives: "list",
        path: "/debian/dists/stable/InRelease",
        shows: (text) => !text.includes("Date: Sat, 01 Jun 2024"),
      },
      release: {
        gives: "list",
        path: "/debian/dists/stable/Release",
        shows: (text) => !text.includes("Date: Sat, 01 Jun 2024"),
      },
      file: {
        gives: "list",
        path: "/debian/dists/stable/main/binary-amd64/Packages",
        shows: (text) => text.includes("Package: extra\n"),
      },
      pool: { gives: "bytes", path: "/debian/pool/main/e/extra/extra_1.0_all.deb" },
      hash: "is named by a digest, which a release tells that is shown",
      signature: "is of the release that is shown: apt checks it with that",
      key: "tells keys",
      diff: "is never there",
      folder: "is a page for people, and names files of releases that are shown",
      upload: CHANGES,
    },
  },
};

/** By the types of its routes. */
function kindsOf(format: string): string[] {
  const text = readFileSync(`src/formats/${format}/routes.ts`, "utf8");
  const kinds = text.matchAll(/kind: ((?:"[\w-]+"(?:\s*\|\s*)?)+)/g);
  const all = [...kinds].flatMap(([, names]) =>
    [...names!.matchAll(/"([\w-]+)"/g)].map(([, name]) => name!),
  );
  const isOfUpload = /\| UploadRoute/.test(text) ? ["upload"] : [];
  return [...new Set([...all, ...isOfUpload])].sort();
}

test("something is said of every kind of route of every format", () => {
  expect(Object.keys(subjects).sort()).toEqual(formats.map(({ name }) => name).sort());
  for (const { name } of formats)
    expect({ [name]: Object.keys(subjects[name]!.routes).sort() }).toEqual({
      [name]: kindsOf(name),
    });
});

test("each path is of its kind of route", () => {
  for (const { name, parse } of formats)
    for (const [kind, does] of Object.entries(subjects[name]!.routes))
      for (const one of typeof does === "string" ? [] : [does].flat()) {
        const [, path = ""] = /^\/[^/]+(.*)$/.exec(one.path.replace(REFERENCE, "ab"))!;
        expect(`${one.path} ${parse("GET", path)?.kind}`).toBe(`${one.path} ${kind}`);
      }
});

for (const [format, subject] of Object.entries(subjects))
  for (const state of states) describe(`${format}: ${state}`, () => scene(subject, state));

function rulesOf({ rule, purl }: Subject, state: State): object[] {
  if (state === "allowed") return [];
  const versions = purl.slice(purl.lastIndexOf("@") + 1);
  if (isBlocked(state))
    return [
      {
        name: "incident",
        packages: [purl.slice(0, purl.lastIndexOf("@"))],
        versions,
        block: "bad",
      },
    ];
  return [{ name: "cooldown", packages: [rule], minimumAge: "5d" }];
}

function scene(subject: Subject, state: State): void {
  let upstream: FakeUpstream;
  let server: TestServer;
  let reference = "";
  const rules = { server: { policy: rulesOf(subject, state) } };
  const routes = Object.values(subject.routes).flatMap((does) =>
    typeof does === "string" ? [] : does,
  );

  const ask = (does: Does, method = "GET", headers: Record<string, string> = {}) =>
    fetch(`${server.url}${does.path.replace(REFERENCE, reference)}`, {
      method,
      headers: { ...("accept" in does && { accept: does.accept! }), ...headers },
      redirect: "manual",
    });

  /** As it should be, told as text: what differs is seen at once. */
  async function seen(does: Does, method: string, headers: Record<string, string> = {}) {
    const response = await ask(does, method, headers);
    const text = await response.text();
    const status = response.status === 206 ? 200 : response.status;
    const isList = does.gives === "list" && method === "GET" && !("range" in headers);
    const shows = isList && status === 200 ? ` shows ${does.shows(text, state)}` : "";
    const isSaid = status === subject.refusal && method === "GET";
    const why = isSaid
      ? ` says why ${/(held|blocked) by the rule (cooldown|incident)|comes with a release that is held/.test(text)}`
      : "";
    return `${does.path} ${method} ${status}${shows}${why}`;
  }

  function due(does: Does, method: string, isWhole: boolean): string {
    const isShown = state === "allowed" || state === "waived";
    // Indices of apt are signed, and name what is blocked.
    const isSigned = subject.purl.startsWith("pkg:deb/") && isBlocked(state);
    const isRefused =
      does.gives === "bytes"
        ? isBlocked(state) || state === "held"
        : does.gives === "description"
          ? isBlocked(state)
          : does.gives === "answer" && !isShown;
    const shows = does.gives === "list" && isWhole ? ` shows ${isShown || isSigned}` : "";
    if (!isRefused) return `${does.path} ${method} 200${shows}`;
    return `${does.path} ${method} ${subject.refusal}${method === "GET" ? " says why true" : ""}`;
  }

  beforeAll(async () => {
    upstream = await startUpstream();
    const isHere = state.endsWith("here before");
    server = await startServer(upstream, isHere ? {} : rules);
    for (const path of subject.before) await (await fetch(`${server.url}${path}`)).text();
    await subject.publish(upstream);
    if (subject.purl.startsWith("pkg:composer/"))
      reference = upstream.composer.reference("reef/coral", "1.2.0");
    server.advance(10 * 60_000);
    if (state === "waived") {
      const values = { purl: subject.waived ?? subject.purl, reason: "needed", by: "the test" };
      expect(await server.operate("waiver add", "", values)).toMatchObject({ isDone: true });
    }
    if (isHere) {
      for (const does of routes) expect((await ask(does)).status).toBe(200);
      await server.restart(rules);
    }
  });
  afterAll(async () => {
    await server.stop();
    await upstream.stop();
  });

  for (const [method, headers] of [
    ["HEAD", {}],
    ["GET", { range: "bytes=0-3" }],
    ["GET", {}],
    ["GET", {}],
  ] as const)
    test(`${method} ${JSON.stringify(headers)}`, async () => {
      const isWhole = method === "GET" && !("range" in headers);
      for (const does of routes)
        expect(await seen(does, method, headers)).toBe(due(does, method, isWhole));
    });

  test("while the upstream is away", async () => {
    await server.restart({ ...rules, offline: true });
    for (const does of routes) expect(await seen(does, "GET")).toBe(due(does, "GET", true));
    for (const does of routes) expect(await seen(does, "HEAD")).toBe(due(does, "HEAD", false));
  });
}
