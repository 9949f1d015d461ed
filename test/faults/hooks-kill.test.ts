// `kill -9` while packages are published and hooks told of them: whatever was acknowledged is told, under one id, by the server that comes after.
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeAccounts } from "../support/accounts.ts";
import { startHookReceiver } from "../support/hook-receiver.ts";
import { npmPublication } from "../support/npm-package.ts";
import { startProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ROUNDS = 5;
const AT_ONCE = 8;
const others = { pypi: false, go: false, composer: false, debian: false, "debian-security": false };

test(`${ROUNDS} kills in the middle of publishing and telling: nothing acknowledged is left untold`, async () => {
  const receiver = await startHookReceiver(SECRET);
  const secretFile = join(tempFolder("hooks-kill"), "secret");
  writeFileSync(secretFile, SECRET);
  // Slowly, and badly now and then, so that the kills fall into the telling as well.
  receiver.answer = (response, nth) =>
    void setTimeout(() => response.writeHead(nth % 3 === 0 ? 500 : 204).end(), (nth % 4) * 20);
  const server = await startProcess({
    config: JSON.stringify({
      hooks: [{ name: "chat", url: receiver.url, secretFile, events: ["publish"] }],
      repositories: { ...others, npm: { offline: true, upstreams: [], claims: ["*"] } },
    }),
  });
  const acknowledged: string[] = [];
  try {
    await server.pause();
    const [token] = await makeAccounts(server, [{ user: "ann", actions: ["publish"] }]);
    await server.restart();
    const publish = async (version: string) => {
      const response = await fetch(`${server.url}/npm/shell`, {
        method: "PUT",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: npmPublication("shell", version).body,
      }).catch(() => null); // the connection died with the server
      if (response?.status === 201) acknowledged.push(version);
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      const running = Promise.all(
        Array.from({ length: AT_ONCE }, (_, at) => publish(`${round}.${at}.0`)),
      );
      await Bun.sleep(40 + round * 60); // where the kill falls differs from round to round; nothing is asserted of it
      const dead = await server.kill(round % 2 === 0 ? "hooks" : undefined);
      await running;
      await dead.restart();
    }
    await publish("9.0.0");
    expect(acknowledged).toContain("9.0.0");
    receiver.answer = (response) => void response.writeHead(204).end();
    const told = () => new Set(receiver.heard.map(({ body }) => body.version));
    await waitFor(
      () => acknowledged.every((version) => told().has(version)),
      () => `not told of ${acknowledged.filter((version) => !told().has(version))}`,
      60_000,
    );
    expect(receiver.heard.every(({ isSigned }) => isSigned)).toBe(true);
    // Each version has one id, however often it was told.
    const ids = Map.groupBy(receiver.heard, ({ body }) => body.version);
    for (const [version, all] of ids)
      expect([version, new Set(all.map(({ id }) => id)).size]).toEqual([version, 1]);
    expect(server.output()).not.toContain("because of a bug");
  } finally {
    await server.stop();
    receiver.stop();
  }
}, 150_000);
