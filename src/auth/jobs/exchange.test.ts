import { afterEach, beforeEach, expect, test } from "bun:test";
import { type CiIssuer, startCiIssuer } from "../../../test/support/ci-issuer.ts";
import { readAudit } from "../audit.ts";
import { openTestAuth, type TestAuth } from "../testkit.ts";
import { createExchange, type Exchange } from "./exchange.ts";

let kit: TestAuth;
let issuer: CiIssuer;
let exchange: Exchange;
beforeEach(async () => {
  kit = await openTestAuth();
  issuer = await startCiIssuer(() => Math.floor(kit.clock / 1000));
  exchange = createExchange({
    publishers: [
      {
        issuer: issuer.url,
        audiences: ["holdfast.example.test"],
        claims: { project_id: ["42"] },
        repositories: ["npm"],
        packages: ["thing"],
        actions: ["publish"],
      },
    ],
    fetchOf: () => (url) => fetch(url),
    memoryOf: () => ({ read: async () => null, write: async () => {} }),
    directory: kit.auth.directory,
    audit: kit.auth.audit,
    spelling: () => undefined,
    now: () => kit.clock,
  });
});
afterEach(async () => {
  await issuer.stop();
  await kit.close();
});

const trade = (token: string) =>
  exchange(token, { repositories: ["npm"], package: "thing" }, "10.0.0.1");

test("a job's token is exchanged once, for one of a quarter of an hour, and both are in the audit log", async () => {
  const token = await issuer.token();
  const { expiresAt, scope } = await trade(token);
  expect(expiresAt).toBe(kit.clock + 15 * 60_000);
  expect(scope).toEqual({ repositories: ["npm"], packages: ["thing"], actions: ["publish"] });
  await expect(trade(token)).rejects.toThrow("it was used before");
  await kit.auth.audit.settled();
  const lines = await readAudit(kit.database.read, { limit: 10 });
  expect(lines.map(({ action }) => action).sort()).toEqual(["log in failed", "token"]);
});

test("what was used is forgotten once it is long over", async () => {
  await trade(await issuer.token());
  kit.clock += 60 * 60_000;
  await trade(await issuer.token());
  expect(await kit.database.read`SELECT count(*) AS total FROM used_identity_tokens`).toEqual([
    { total: 1 },
  ]);
});
