// uv publishes from a CI job without a secret: over https, which is all that it asks for a token by.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wheel } from "../../src/formats/pypi/testdata/distributions.ts";
import { makeCertificate } from "../support/certificates.ts";
import { type CiIssuer, startCiIssuer } from "../support/ci-issuer.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { run } from "../support/run.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { commandOf, withPrograms } from "./clients.ts";

let upstream: FakeUpstream;
let server: TestServer;
let issuer: CiIssuer;
let home: string;
let ca: string;

beforeAll(async () => {
  home = tempFolder("trusted");
  const { authority, pair } = makeCertificate(["127.0.0.1", "localhost"], 90);
  const file = (name: string, text: string) => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };
  ca = file("ca.pem", authority);
  const tls = {
    certificate: file("server.pem", pair.certificate),
    key: file("server.key", pair.key),
  };
  upstream = await startUpstream();
  issuer = await startCiIssuer();
  const trusted = {
    issuer: issuer.url,
    audiences: ["holdfast"],
    claims: { project_id: "42", ref_protected: "true" },
  };
  server = await startServer(upstream, {
    access: { anonymous: "read" },
    claims: { npm: ["@acme/*"], pypi: ["acme-*"] },
    server: {
      tls,
      trustedPublishers: [
        { ...trusted, repositories: ["npm"], packages: ["@acme/*"] },
        { ...trusted, repositories: ["pypi"], packages: ["acme-*"] },
      ],
    },
  });
});
afterAll(async () => {
  await server.stop();
  await issuer.stop();
  await upstream.stop();
  removeTemp(home);
});

const gitlab = { CI: "true", GITLAB_CI: "true", SERVER_URL: "" };
// The authority is this test's own.
const get = (path: string) =>
  fetch(`${server.url}${path}`, { tls: { rejectUnauthorized: false } } as RequestInit);
withPrograms(["uv"], () => {
  const publish = (token: string, version: string) => {
    const folder = tempFolder("trusted-uv");
    const { file, bytes } = wheel({ name: "acme-job", version });
    mkdirSync(join(folder, "dist"));
    writeFileSync(join(folder, "dist", file), bytes);
    const url = `${server.url}/pypi/legacy/`;
    return run(
      [...commandOf("uv"), "publish", "--trusted-publishing", "always", "--publish-url", url],
      {
        cwd: folder,
        env: {
          PATH: process.env["PATH"]!,
          HOME: home,
          ...gitlab,
          HOLDFAST_ID_TOKEN: token,
          SSL_CERT_FILE: ca,
          UV_CACHE_DIR: join(home, "uv"),
          UV_HTTP_RETRIES: "0",
        },
      },
    );
  };

  test("uv publishes with the token of its job, and says why it is refused", async () => {
    const published = await publish(await issuer.token({ aud: "holdfast" }), "1.0.0");
    expect([published.code, published.output]).toEqual([0, expect.any(String)]);
    const page = await get("/pypi/simple/acme-job/");
    expect(await page.text()).toContain("acme_job-1.0.0");
    const refused = await publish(
      await issuer.token({ aud: "holdfast", project_id: "43" }),
      "2.0.0",
    );
    expect(refused.code).not.toBe(0);
    expect(refused.output).toContain("422");
  }, 60_000);
});
