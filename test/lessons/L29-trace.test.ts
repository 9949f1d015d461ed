// L29: every refusal is found afterwards: who asked, for what, which rule refused it, when.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { startServer, type TestServer } from "../support/server.ts";

let upstream: FakeUpstream;
let server: TestServer;
const claims = {
  npm: ["left-*", "@reef/*"],
  pypi: ["Coral_Reef"],
  go: ["example.test/Capstan/*"],
};

beforeEach(async () => {
  upstream = await startUpstream();
  server = await startServer(upstream, { claims });
});
afterEach(async () => {
  await server.stop();
  await upstream.stop();
});

const lines = () => server.log.map((line) => JSON.parse(line) as Record<string, unknown>);
const figures = async () => (await fetch(`${server.url}/-/metrics`)).text();

const refused: [path: string, pattern: string][] = [
  ["/npm/left-pad", "left-*"],
  ["/npm/@reef%2fcoral/-/coral-1.4.2.tgz", "@reef/*"],
  ["/npm/-/npm/v1/attestations/@reef%2fcoral@1.4.2", "@reef/*"],
  ["/pypi/simple/coral-reef/", "Coral_Reef"],
  ["/pypi/integrity/coral-reef/2.4/coral_reef-2.4-py3-none-any.whl/provenance", "Coral_Reef"],
  ["/go/example.test/!capstan/!deck/@v/list", "example.test/Capstan/*"],
  [
    "/go/sumdb/sum.example.test/lookup/example.test/!capstan/!deck@v1.0.0",
    "example.test/Capstan/*",
  ],
];

for (const [path, pattern] of refused)
  test(`${path}: the log names who, what, when and the claim; the client is told as well; it is counted`, async () => {
    const answer = await fetch(`${server.url}${path}`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain(`(claims: ${pattern})`);
    const repo = path.split("/")[1]!;
    const [line, ...more] = lines().filter(({ rule }) => rule !== undefined);
    expect(more).toEqual([]);
    expect(line).toMatchObject({
      msg: `GET ${path} 404 none`,
      repo,
      rule: "claims",
      reason: expect.stringContaining(`(claims: ${pattern})`),
      address: expect.stringMatching(/127\.0\.0\.1$/),
    });
    expect(Math.abs(Date.parse(String(line!["time"])) - Date.now())).toBeLessThan(60_000);
    expect(await figures()).toContain(
      `holdfast_refusals_total{repository="${repo}",rule="claims"} 1\n`,
    );
  });

test("bytes that are not the published ones: an event with both digests, a line with who asked, a count", async () => {
  const path = "/npm/kelp/-/kelp-2.0.0.tgz";
  upstream.fault("*/kelp-2.0.0.tgz", "flip");
  const { status } = await fetch(`${server.url}${path}`);
  expect([403, 424]).toContain(status);
  const event = lines().find((line) => line["event"] === "tampered");
  expect(event).toMatchObject({ repo: "npm", package: "kelp", version: "2.0.0" });
  const detail = JSON.parse(String(event!["detail"]));
  expect(detail).toMatchObject({
    published: upstream.npm.integrity("kelp", "2.0.0").split(" ")[0],
    found: expect.stringMatching(/^sha512-/),
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    upstream: new URL(upstream.urls.npm).host,
  });
  expect(detail.found).not.toBe(detail.published);
  expect(server.events()).toMatchObject([
    { kind: "tampered", repository: "npm", package: "kelp", file: "kelp-2.0.0.tgz" },
  ]);
  expect(lines().find(({ rule }) => rule === "integrity")).toMatchObject({
    msg: `GET ${path} ${status} none`,
    address: expect.stringMatching(/127\.0\.0\.1$/),
  });
  const page = await figures();
  expect(page).toContain('holdfast_refusals_total{repository="npm",rule="integrity"} 1\n');
  expect(page).toContain('holdfast_events_total{repository="npm",kind="tampered"} 1\n');
});

test("what is merely not there is no refusal", async () => {
  expect((await fetch(`${server.url}/npm/no-such-thing`)).status).toBe(404);
  expect(lines().filter(({ rule }) => rule !== undefined)).toEqual([]);
  expect(await figures()).not.toContain("holdfast_refusals_total{");
});
