// L13: a claimed name is never spoken to an upstream, on any route, in any spelling: decoded once, compared in one form.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { startServer, type TestServer } from "../support/server.ts";

const claims = {
  npm: ["@acme/*", "acme-grotto"],
  pypi: ["Acme_*"],
  go: ["corp.example.test/acme/"],
};

let upstream: FakeUpstream;
let server: TestServer;

// The upstream has what is claimed, so that whatever were asked would be answered.
beforeEach(async () => {
  upstream = await startUpstream();
  for (const name of ["@acme/grotto", "acme-grotto"])
    upstream.npm.publish({ name, version: "1.0.0", dependencies: { tide: "^1.0.0" } });
  upstream.pypi.publish("acme-grotto", "1.0", [], { sdist: true, provenance: true });
  upstream.go.publish("corp.example.test/acme/Grotto", "v1.0.0", []);
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

/** Everything that the upstream was told, in the one form in which a name cannot hide. */
function told(): string[] {
  return upstream.requests
    .map(({ target, headers, body }) => unwrap(`${target} ${JSON.stringify(headers)} ${body}`))
    .filter((text) => text.includes("grotto"));
}

function unwrap(text: string): string {
  let last = "";
  let plain = text;
  for (let round = 0; round < 4 && plain !== last; round += 1) {
    last = plain;
    plain = plain.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  }
  return plain.toLowerCase().replace(/!/g, "");
}

interface Asked {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

async function ask(path: string, { method = "GET", body, headers = {} }: Asked = {}) {
  const packed = headers["content-encoding"] === "gzip";
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers,
    redirect: "manual",
    ...(text === undefined ? {} : { body: packed ? gzipSync(text) : text }),
  });
  return { status: answer.status, text: await answer.text() };
}

const every = (text: string) =>
  [...text].map((letter) => `%${letter.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");

/** How a path may write a name; each of its letters stays the name's own, or another case of it. */
const spellings: [what: string, spell: (name: string) => string, only?: string][] = [
  ["as it is", (name) => name],
  ["slash encoded", (name) => name.replaceAll("/", "%2f")],
  ["encoded as JavaScript does", encodeURIComponent],
  ["every character encoded", every],
  ["every character encoded, in upper case hex", (name) => every(name).toUpperCase()],
  ["every character but the slash encoded", (name) => name.split("/").map(every).join("/")],
  ["encoded twice", (name) => encodeURIComponent(encodeURIComponent(name))],
  ["every character encoded twice", (name) => encodeURIComponent(every(name))],
  ["in upper case", (name) => name.toUpperCase()],
  ["one letter in upper case", (name) => name.replace("grotto", "Grotto")],
  ["with a dot segment", (name) => `./${name}`],
  ["with an encoded dot segment", (name) => `x/%2e%2e/${name}`],
  ["with an empty segment", (name) => `/${name}`],
  ["with a space after it", (name) => `${name}%20`],
  ["with underscores", (name) => name.replaceAll("-", "_"), "pypi"],
  ["with dots and dashes", (name) => name.replaceAll("-", ".-"), "pypi"],
];

// `NAME` stands for the name. The second column: without the claim this route tells the upstream the name.
const routes: Record<string, { name: string; paths: [path: string, asks: boolean][] }[]> = {
  npm: [
    {
      name: "@acme/grotto",
      paths: [
        ["/npm/NAME", true],
        ["/npm/NAME/1.0.0", true],
        ["/npm/NAME/latest", true],
        ["/npm/NAME/-/grotto-1.0.0.tgz", true],
        ["/npm/NAME/-/NAME-1.0.0.tgz", true],
        ["/npm/-/package/NAME/dist-tags", true],
        ["/npm/-/npm/v1/attestations/NAME@1.0.0", true],
        ["/npm/-/v1/search?text=NAME", true],
        ["/npm/-/v1/search?text=scope:acme+grotto", true],
        ["/npm/%2d/package/NAME/dist-tags", true],
        ["/%6epm/NAME", false],
        ["/npm/NAME?write=true", true],
        ["/npm/NAME/-rev/1", false],
      ],
    },
    {
      name: "acme-grotto",
      paths: [
        ["/npm/NAME", true],
        ["/npm/NAME/1.0.0", true],
        ["/npm/NAME/-/acme-grotto-1.0.0.tgz", true],
        ["/npm/-/package/NAME/dist-tags", true],
        ["/npm/-/v1/search?text=%22NAME%22", true],
      ],
    },
  ],
  pypi: [
    {
      name: "acme-grotto",
      paths: [
        ["/pypi/simple/NAME/", true],
        ["/pypi/simple/NAME", false],
        ["/pypi/files/NAME/acme_grotto-1.0-py3-none-any.whl", true],
        ["/pypi/files/NAME/acme_grotto-1.0-py3-none-any.whl.metadata", true],
        ["/pypi/files/NAME/acme_grotto-1.0.tar.gz.asc", true],
        ["/pypi/integrity/NAME/1.0/acme_grotto-1.0-py3-none-any.whl/provenance", true],
        ["/pypi/integrity/NAME/1.0/brine-1.0-py3-none-any.whl/provenance", true],
        ["/pypi/integrity/brine/1.0/acme_grotto-1.0-py3-none-any.whl/provenance", false],
        ["/pypi/pypi/NAME/json", true],
        ["/pypi/pypi/NAME/1.0/json", true],
        ["/pypi/root/pypi/NAME", false],
        ["/pypi/root/pypi/+simple/NAME/", true],
        ["/pypi/root/pypi/+f/abc/0123456789abc/acme_grotto-1.0-py3-none-any.whl", true],
        ["/%70ypi/simple/NAME/", false],
      ],
    },
  ],
  go: [
    {
      name: "corp.example.test/acme/!grotto",
      paths: [
        ["/go/NAME/@v/list", true],
        ["/go/NAME/@latest", true],
        ["/go/NAME/@v/v1.0.0.info", true],
        ["/go/NAME/@v/v1.0.0.mod", true],
        ["/go/NAME/@v/v1.0.0.zip", true],
        ["/go/NAME/@v/main.info", true],
        ["/go/NAME/v2/@v/list", true],
        ["/go/NAME/%40v/list", true],
        ["/go/sumdb/sum.example.test/lookup/NAME@v1.0.0", true],
        ["/go/%73umdb/sum.example.test/lookup/NAME@v1.0.0", true],
        ["/g%6f/NAME/@v/list", false],
      ],
    },
  ],
};

describe("no route tells a claimed name, however it is spelled", () => {
  for (const [format, groups] of Object.entries(routes))
    for (const { name, paths } of groups)
      for (const [path] of paths)
        test(`${format} ${path.replaceAll("NAME", name)}`, async () => {
          server = await startServer(upstream, { claims });
          for (const [what, spell] of spellings.filter(([, , only = format]) => only === format))
            for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
              const { status } = await ask(path.replaceAll("NAME", spell(name)), { method });
              const isSearch = path.includes("/search");
              const fits = isSearch ? [200, 400, 401, 404, 405] : [301, 400, 401, 404, 405];
              expect({ what, method, fits: fits.includes(status), status }).toMatchObject({
                fits: true,
              });
            }
          expect(told()).toEqual([]);
        });
});

test("without the claim each of these routes tells it: the recorder is not deaf", async () => {
  server = await startServer(upstream);
  const silent: string[] = [];
  for (const { name, paths } of Object.values(routes).flat())
    for (const [path, asks] of paths) {
      await server.stop(); // what it still asked behind, of the path before, is not of this one
      upstream.requests.length = 0;
      server = await startServer(upstream);
      await ask(path.replaceAll("NAME", name));
      if (told().length > 0 !== asks) silent.push(path);
    }
  expect(silent).toEqual([]);
}, 60_000);

describe("audits leave claimed names out", () => {
  const dependency = { version: "1.0.0", requires: { "@acme/grotto": "^1.0.0", tide: "^1.0.0" } };
  const tree = {
    name: "grotto-site",
    version: "1.0.0",
    install: ["@acme/grotto@1.0.0", "acme-grotto"],
    remove: ["@ACME/grotto"],
    requires: { "@acme/grotto": "1.0.0", alias: "npm:@acme/grotto@^1.0.0", tide: "1.0.0" },
    dependencies: {
      "@acme/grotto": { ...dependency, dependencies: { tide: { version: "1.0.0" } } },
      "Acme-Grotto": { version: "1.0.0" },
      alias: { version: "npm:@acme/grotto@1.0.0" },
      kelp: { ...dependency, dependencies: { "acme-grotto": { version: "1.0.0" } } },
      "ms-clock": { version: "2.1.2" },
    },
  };
  const bulk = {
    "@acme/grotto": ["1.0.0"],
    "@ACME/Grotto": ["1.0.0"],
    "@acme%2fgrotto": ["1.0.0"],
    "acme-grotto": ["1.0.0"],
    "ms-clock": ["2.1.2"],
  };
  const bodies: [path: string, body: unknown][] = [
    ["/npm/-/npm/v1/security/advisories/bulk", bulk],
    ["/npm/-/npm/v1/security/audits", tree],
    ["/npm/-/npm/v1/security/audits/quick", tree],
    ["/npm/-/npm/v1/security/audits%2fquick", tree],
    ["/npm/%2d/npm/v1/security/advisories/bulk", bulk],
  ];
  for (const [path, body] of bodies)
    for (const headers of [{}, { "content-encoding": "gzip" }])
      test(`${path} ${JSON.stringify(headers)}`, async () => {
        server = await startServer(upstream, { claims });
        await ask(path, { method: "POST", body, headers });
        expect(told()).toEqual([]);
      });

  test("and the rest is asked for", async () => {
    server = await startServer(upstream, { claims });
    const answer = await ask(bodies[0]![0], { method: "POST", body: bulk });
    expect(answer.text).toContain("ms-clock");
    expect(upstream.requests.some(({ body }) => body.includes("ms-clock"))).toBe(true);
  });
});

test("what was fetched before it was claimed is shown no more, on any route", async () => {
  server = await startServer(upstream);
  const all = Object.values(routes)
    .flat()
    .flatMap(({ name, paths }) => paths.map(([path]) => path.replaceAll("NAME", name)))
    .filter((path) => !path.includes("/search"));
  for (const path of all) await ask(path);
  await server.restart({ claims });
  upstream.requests.length = 0;
  for (const path of all) {
    const { status } = await ask(path);
    expect({ path, shown: status === 200 }).toEqual({ path, shown: false });
  }
  expect((await ask("/pypi/simple/")).text).not.toContain("grotto");
  const found = JSON.parse((await ask("/npm/-/v1/search?text=grotto")).text);
  expect(found.objects).toEqual([]);
  expect(told().filter((text) => !text.includes("text=grotto"))).toEqual([]);
});
