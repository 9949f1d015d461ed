// A follower that is killed in the middle of catching up goes on from there, and has each file once and whole.
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { bearer, openToFollowers, tokenOf } from "../support/follower.ts";
import { startLine } from "../support/line.ts";
import { npmPublication } from "../support/npm-package.ts";
import { startProcess } from "../support/process.ts";
import { startServer } from "../support/server.ts";
import { tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

const FILES = 30;

test("a follower that is killed again and again in the middle of catching up has all of it in the end", async () => {
  const upstream = await startUpstream();
  const primary = await startServer(upstream, {
    access: { anonymous: "none", grants: [{ to: "user:ann", may: "publish" }] },
    claims: { npm: ["@acme/*"] },
  });
  const line = startLine(primary.url);
  const folder = tempFolder("killed");
  try {
    const { key, token } = await openToFollowers(primary);
    await primary.account("user add", { name: "ann" });
    const ann = await tokenOf(primary, "ann");
    for (let at = 0; at < FILES; at += 1) {
      const answer = await fetch(`${primary.url}/npm/@acme%2fui`, {
        method: "PUT",
        headers: { ...bearer(ann), "content-type": "application/json" },
        body: npmPublication("@acme/ui", `1.0.${at}`).body,
      });
      expect(answer.status).toBeLessThan(300);
    }
    writeFileSync(join(folder, "token"), token);
    const off = { pypi: false, go: false, composer: false, debian: false };
    const config = JSON.stringify({
      follow: { url: line.url, key, tokenFile: join(folder, "token"), every: "1s" },
      repositories: { ...off, "debian-security": false },
    });
    const data = join(folder, "data");
    // Each time so many go through, and the next is never answered: what is killed is in the middle of something.
    for (const most of [0, 5, 12]) {
      let passed = 0;
      const never = new Promise<void>(() => {});
      line.hold((path) => {
        passed += path.endsWith(".tgz") ? 1 : 0;
        return passed > most ? never : undefined;
      });
      const server = await startProcess({ config, data });
      await waitFor(() => passed > most, server.output, 60_000);
      process.kill(server.pid, "SIGKILL");
      await server.stop();
    }
    line.hold(null);
    const server = await startProcess({ config, data });
    const has = () => server.files().filter(({ package: name }) => name === "@acme/ui");
    await waitFor(() => has().length === FILES, server.output, 90_000);
    await line.cut();
    for (let at = 0; at < FILES; at += 1) {
      const path = `/npm/@acme%2fui/-/ui-1.0.${at}.tgz`;
      const answer = await fetch(server.url + path, { headers: bearer(ann) });
      const { tarball } = npmPublication("@acme/ui", `1.0.${at}`);
      expect([answer.status, tarball.equals(await answer.bytes())]).toEqual([200, true]);
    }
    expect(server.events().filter(({ kind }) => kind !== "upstream-down")).toEqual([]);
    await server.stop();
  } finally {
    await line.stop();
    await primary.stop();
    await upstream.stop();
  }
}, 300_000);
