// Private Go modules of a team, over TLS: with tokens, tags that move, and a code host that is gone. What they are like: go-made.test.ts
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "../support/certificates.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startServer } from "../support/server.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { eachClient } from "./clients.ts";
import { codeHost, goCommand, HOST, mod } from "./go-code.ts";

eachClient(["go"], ({ driver }) => {
  test("a team's modules: with a token, moved tags, and a code host that is gone", async () => {
    const folder = tempFolder("go-private");
    const upstream = await startUpstream();
    const host = codeHost(join(folder, "host"));
    const code = host.make("lib");
    const first = code.commit({ "go.mod": mod("lib.git"), "a.go": "package lib\n" });
    code.tag("v1.0.0");
    const { authority, pair } = makeCertificate(["127.0.0.1"], 90);
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const tls = {
      certificate: file("server.pem", pair.certificate),
      key: file("server.key", pair.key),
    };
    const server = await startServer(upstream, {
      sources: { go: [host.source] },
      access: { anonymous: "none" },
      server: { tls },
    });
    try {
      await server.account("user add", { name: "ann", password: "correct-horse-battery" });
      await server.account("grant add", { holder: "user:ann", actions: ["read"] });
      const { host: at } = new URL(server.url);
      const trust = {
        GOPROXY: `${server.url}/go`,
        SSL_CERT_FILE: file("authority.pem", authority),
      };
      const NETRC = file("netrc", `machine ${at} login ann password correct-horse-battery\n`);
      const home = (name: string, more: Record<string, string> = { NETRC }) =>
        goCommand(driver.command, join(folder, name), { ...trust, ...more });
      const module = `${HOST}/lib.git`;
      expect((await home("refused", {}).download(`${module}@v1.0.0`)).Error).toContain("401");
      const ann = home("ann");
      const released = await ann.download(`${module}@v1.0.0`);
      expect(released.Sum).toStartWith("h1:");

      code.commit({ "b.go": "package lib\n" });
      code.tag("v1.0.0");
      const last = code.commit({ "c.go": "package lib\n" });
      code.tag("v1.1.0");
      code.git("branch", "feature");
      code.commit({ "d.go": "package lib\n" });
      server.advance(3_600_000);
      await ann.must("get", `${module}@v1.1.0`);
      await ann.must("get", `${module}@feature`);
      expect(await ann.must("list", "-m", module)).toBe(`${module} v1.1.0`);
      await ann.must("get", `${module}@${first.slice(0, 12)}`);
      expect(await ann.must("list", "-m", module)).toBe(`${module} v1.0.0`);
      await ann.must("get", `${module}@main`);
      const pseudo = (await ann.must("list", "-m", module)).split(" ")[1]!;
      expect(pseudo).toMatch(/^v1\.1\.1-0\.2024/);
      await ann.must("get", `${module}@latest`);
      expect(await ann.must("list", "-m", module)).toBe(`${module} v1.1.0`);
      expect(await ann.must("list", "-m", "-versions", module)).toBe(`${module} v1.0.0 v1.1.0`);
      const kept = await home("again").download(`${module}@v1.1.0`);
      const made = await home("again").download(`${module}@${pseudo}`);
      const moved = server.events().filter(({ kind }) => kind === "tampered");
      expect(moved.map(({ package: name, version }) => [name, version])).toEqual([
        [module, "v1.0.0"],
      ]);
      expect(last).toHaveLength(40);

      // Nothing of this is anybody else's business, whatever a client asks.
      const { name: database } = upstream.go.sumdb;
      for (const name of [module, `${HOST}/new.git`, HOST, "git.example.test"]) {
        const asked = `${server.url}/go/sumdb/${database}/lookup/${name}@v1.0.0`;
        const authorization = `Basic ${Buffer.from("ann:correct-horse-battery").toString("base64")}`;
        const init = { headers: { authorization }, tls: { ca: authority } };
        expect((await fetch(asked, init)).status).toBe(404);
      }
      expect(upstream.paths().join("\n")).not.toContain("git.example.test");

      removeTemp(host.folder);
      removeTemp(join(server.data, "git"));
      await server.restart();
      const fresh = home("fresh");
      expect(await fresh.download(`${module}@v1.0.0`)).toEqual(released);
      expect(await fresh.download(`${module}@v1.1.0`)).toEqual(kept);
      expect(await fresh.download(`${module}@${pseudo}`)).toEqual(made);
      expect(await fresh.must("list", "-m", "-versions", module)).toBe(`${module} v1.0.0 v1.1.0`);
      const never = await fresh.download(`${module}@v1.2.0`);
      expect(never.Error).toContain("424");
    } finally {
      await server.stop();
      await upstream.stop();
      removeTemp(folder);
    }
  }, 120_000);
});
