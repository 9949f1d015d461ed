// A vendor who answers 403 from here, reached through a proxy in another region: mirrored, cut off, and installed from all the same.
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate, serveProxy, serveSocks } from "../../src/upstream/testkit.ts";
import { startProcess } from "../support/process.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { createPublisher } from "./apt-publishers.ts";
import { AptRoot } from "./apt-root.ts";
import { configOf } from "./apt-scene.ts";
import { serveFolder } from "./apt-site.ts";
import { withPrograms } from "./clients.ts";

const root = new URL("../../", import.meta.url).pathname;
const items = Array.from({ length: 12 }, (_, at) => ({
  name: `probe${at}`,
  version: "8.1.0",
  bulk: at * 9_000,
}));
const names = items.map(({ name }) => name);

const proxies = {
  "an HTTP proxy": async () => {
    const proxy = await serveProxy("exit:p@ss");
    return { scheme: "http", proxy, seen: () => proxy.heads.map((head) => head.split("\r\n")[0]!) };
  },
  "a SOCKS5 proxy": async () => {
    const proxy = await serveSocks(["exit", "p@ss"]);
    return { scheme: "socks5", proxy, seen: () => proxy.destinations };
  },
};

withPrograms(["apt", "gpg", "reprepro"], () => {
  for (const [title, open] of Object.entries(proxies))
    test(`through ${title}: mirrored, cut off, installed`, async () => {
      const home = tempFolder("vendor");
      const publisher = await createPublisher("reprepro");
      await publisher.publish(items);
      const certificate = makeCertificate();
      const site = serveFolder(publisher.root, certificate);
      // From here it is known by its address; the proxy's region has its name.
      site.spoil = (_, host) => (host === "vendor.example.test" ? null : 403);
      const { scheme, proxy, seen } = await open();
      const port = new URL(site.url).port;
      writeFileSync(join(home, "ca.pem"), certificate.ca);
      writeFileSync(join(home, "password"), "p@ss\n");
      const ca = join(home, "ca.pem");
      const repository = {
        format: "apt",
        keyring: publisher.key,
        mirror: { suites: ["stable"], components: ["main"], architectures: ["amd64"] },
      };
      const far = {
        url: `https://vendor.example.test:${port}/`,
        ca,
        proxy: `${scheme}://exit@127.0.0.1:${proxy.port}`,
        proxyPasswordFile: join(home, "password"),
      };
      const config = configOf({
        vendor: { ...repository, upstreams: [far] },
        direct: { ...repository, upstreams: [{ url: `https://127.0.0.1:${port}/`, ca }] },
      });
      const file = join(home, "holdfast.yaml");
      const data = join(home, "data");
      writeFileSync(file, config);
      const holdfast = (...words: string[]) =>
        run(
          [process.execPath, join(root, "src/main.ts"), ...words, "--config", file, "--data", data],
          { cwd: home, timeout: 60_000 },
        );
      try {
        const refused = await holdfast("mirror", "run", "direct");
        expect(refused.code).toBe(1);
        expect(refused.output).toContain("Blocked by the upstream");

        const mirrored = await holdfast("mirror", "run", "vendor");
        expect(`${mirrored.code} ${mirrored.output}`).toStartWith("0 ");
        expect(seen().some((line) => line.includes(`vendor.example.test:${port}`))).toBe(true);
        const asked = site.asked.filter((path) => path.endsWith(".deb"));
        expect(asked.length).toBe(items.length);
        // Again: everything is here.
        expect((await holdfast("mirror", "run", "vendor")).code).toBe(0);
        expect(site.asked.filter((path) => path.endsWith(".deb"))).toEqual(asked);

        proxy.stop();
        await site.stop();
        const server = await startProcess({ config, data });
        const key = publisher.key;
        const one = new AptRoot([{ url: `${server.url}/vendor`, suite: "stable main", key }]);
        try {
          await one.update();
          expect([...(await one.download(...names)).keys()]).toEqual(
            names.map((name) => `${name}_8.1.0_all.deb`).sort(),
          );
        } finally {
          one.remove();
          await server.stop();
        }
      } finally {
        proxy.stop();
        await site.stop();
        await publisher.remove();
        removeTemp(home);
      }
    }, 60_000);
});
