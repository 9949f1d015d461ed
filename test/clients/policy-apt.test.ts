// What is young or bad is kept from Debian's apt: a young release is held as a whole, and a blocked package is not sent, with the reason on the terminal.
import { expect, test } from "bun:test";
import { configText } from "../support/config.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { startProcess } from "../support/process.ts";
import { AptRoot } from "./apt-root.ts";
import { withPrograms } from "./clients.ts";

const DAY = 86_400_000;
const policy = [
  {
    name: "incident-12",
    packages: ["pkg:deb/debian/barnacle"],
    block: "a back door",
  },
  { name: "cooldown", packages: ["pkg:deb/*"], minimumAge: "5d" },
];

withPrograms(["apt"], () => {
  test("the release before is taken while a young one is held; it matures by the clock; what is blocked says why", async () => {
    const upstream = await startUpstream();
    const config = configText(upstream, { server: { policy }, freshness: "0s" });
    const server = await startProcess({ config, hasClock: true });
    const debian = upstream.apt.archives.debian;
    const key = upstream.apt.keyFiles.archive;
    const url = `${server.url}/debian`;
    const one = new AptRoot([{ url, suite: "stable main contrib", key }]);
    try {
      await one.update();
      debian.add("stable", { name: "hello", version: "2.11-1" });
      await debian.renew("stable", { date: new Date(Date.now() - DAY) });
      const before = one.lists();
      await one.update();
      one.forget();
      await one.update();
      expect(one.lists()).toEqual(before);
      const files = await one.download("hello");
      expect([...files.keys()].filter((name) => name.startsWith("hello_"))).toEqual([
        "hello_2.10-3_amd64.deb",
      ]);

      const refused = await one.run("install", "-y", "--download-only", "barnacle");
      expect(refused.code).not.toBe(0);
      expect(refused.output).toContain("incident-12");

      server.advance(5 * DAY);
      await one.update();
      const newer = await one.download("hello");
      expect([...newer.keys()]).toContain("hello_2.11-1_all.deb");
    } finally {
      one.remove();
      await server.stop();
      await upstream.stop();
    }
  }, 120_000);
});
