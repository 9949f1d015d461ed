// A server over TLS with accounts, where for each format one repository is built on another and that one on the fake upstream: `npm` on `npm-base`, `pypi` on
// `pypi-base`. Nobody reads without a name. What is private has "shoal" (above) or "deep" (below) in its name, so that the upstream's record shows what got out.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Action } from "../../src/core/grant.ts";
import { makeAccounts } from "../support/accounts.ts";
import { makeCertificate } from "../support/certificates.ts";
import { startCiIssuer } from "../support/ci-issuer.ts";
import { configText } from "../support/config.ts";
import { type FakeUpstream, startUpstream } from "../support/fake-upstream/index.ts";
import { startProcess } from "../support/process.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";

/** Secrets of tokens, by what they are good for. */
export interface Tokens {
  /** Ann's: publishes and unpublishes in both. */
  ann: string;
  /** Ben's: reads what is above, and so what that is built on. */
  ben: string;
  /** May not publish what this test publishes, each for another reason. */
  wrong: Record<"leaked, for reading" | "another pattern's" | "another CI project's", string>;
  /** Of the CI project that is trusted with the names above. */
  job: string;
}

export interface Stacked {
  upstream: FakeUpstream;
  /** Of the server, without a trailing slash. */
  url: string;
  tokens: Tokens;
  home: string;
  /** The file with the authority that clients are to trust. */
  ca: string;
  get(path: string, token?: string, init?: RequestInit): Promise<Response>;
  /** All that any upstream was ever asked that has a private name in it. */
  leaks(): string[];
  /** Exchanges the identity token of a job of this project. */
  exchange(project: string, repository: string, name: string): Promise<Response>;
  stop(): Promise<void>;
}

const names = {
  npm: { above: "@shoal/*", below: "@deep/*", other: "@other/*" },
  pypi: { above: "shoal-*", below: "deep-*", other: "other-*" },
};

export async function openStacked(format: "npm" | "pypi"): Promise<Stacked> {
  const home = tempFolder(`stacked-${format}`);
  const file = (name: string, text: string) => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };
  const { authority, pair } = makeCertificate(["127.0.0.1", "localhost"], 90);
  const ca = file("authority.pem", authority);
  const [upstream, ci] = await Promise.all([startUpstream(), startCiIssuer()]);
  const { above, below, other } = names[format];
  const trusted = { issuer: ci.url, audiences: ["holdfast"], repositories: [format] };
  const config = JSON.parse(
    configText(upstream, {
      access: { anonymous: "none" },
      claims: { [format]: [above] },
      server: {
        tls: {
          certificate: file("server.pem", pair.certificate),
          key: file("server.key", pair.key),
        },
        trustedPublishers: [
          { ...trusted, claims: { project_id: "42" }, packages: [above] },
          { ...trusted, claims: { project_id: "43" }, packages: [other] },
        ],
      },
    }),
  );
  const { [format]: direct, ...others } = config.repositories;
  config.repositories = {
    ...others,
    [`${format}-base`]: { ...direct, format, claims: [below] },
    [format]: { ...direct, format, upstreams: [{ repository: `${format}-base` }] },
  };
  const server = await startProcess({ config: JSON.stringify(config), authority });
  const all: Action[] = ["publish", "unpublish"];
  const [ann, , ben, leaked, elsewhere] = (await makeAccounts(server, [
    { user: "ann", actions: all, repository: format },
    { user: "ann", actions: all, repository: `${format}-base` },
    { user: "ben", actions: ["read"], repository: format },
    { user: "ann", actions: all, repository: format, scope: ["read"] },
    { user: "eve", actions: all, package: other },
  ])) as [string, string, string, string, string];
  await server.restart();

  const get: Stacked["get"] = (path, token = ann, init = {}) =>
    fetch(`${server.url}${path}`, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${token}` },
      tls: { ca: authority },
    } as RequestInit);
  const exchange: Stacked["exchange"] = async (project, repository, name) => {
    const token = await ci.token({
      aud: "holdfast",
      project_id: project,
      jti: `${name} ${Math.random()}`,
    });
    const body = JSON.stringify({ token, repository, package: name });
    const init = { method: "POST", body, tls: { ca: authority } } as RequestInit;
    return fetch(`${server.url}/-/oidc/exchange`, init);
  };
  const tokenOf = async (answer: Response) => {
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
    return ((await answer.json()) as { token: string }).token;
  };
  const plain = (pattern: string, name: string) => pattern.replace("*", name);
  return {
    upstream,
    url: server.url,
    home,
    ca,
    tokens: {
      ann,
      ben,
      wrong: {
        "leaked, for reading": leaked,
        "another pattern's": elsewhere,
        "another CI project's": await tokenOf(await exchange("43", format, plain(other, "tool"))),
      },
      job: await tokenOf(await exchange("42", format, plain(above, "job"))),
    },
    get,
    exchange,
    leaks: () =>
      upstream.requests
        .map(({ method, target, body }) => `${method} ${target} ${body}`)
        .filter((asked) => /shoal|deep/i.test(asked)),
    async stop() {
      await server.stop();
      await Promise.all([upstream.stop(), ci.stop()]);
      removeTemp(home);
    },
  };
}
