// Holdfast in front of something that publishes Debian packages, and machines with apt that look there.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { builtInRepositories } from "../../src/config/upstreams.ts";
import { createLog } from "../../src/core/log.ts";
import { formats } from "../../src/formats/index.ts";
import { start } from "../../src/server/start.ts";
import { type ServerProcess, startProcess, withBugs } from "../support/process.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { createPublisher, type Publisher, type PublisherName } from "./apt-publishers.ts";
import { AptRoot } from "./apt-root.ts";
import { type Site, serveFolder } from "./apt-site.ts";

/** A configuration with these repositories and no built-in one. */
export function configOf(repositories: Record<string, unknown>): string {
  const none = Object.fromEntries(Object.keys(builtInRepositories).map((name) => [name, false]));
  return JSON.stringify({ repositories: { ...none, ...repositories } });
}

interface Vendor {
  publisher: Publisher;
  site: Site;
  /** A new machine whose only source is the repository "vendor" of the server. */
  machine(): AptRoot;
}

/** A vendor that publishes with aptly or reprepro, behind a server in a process of its own. Everything is gone afterwards. */
export async function withVendor(
  name: PublisherName,
  act: (scene: Vendor & { server: ServerProcess }) => Promise<void>,
): Promise<void> {
  await withPublisher(name, async (publisher, site, machineAt) => {
    const server = await startProcess({ config: vendorConfig(publisher, site, "0s") });
    try {
      await act({ publisher, site, server, machine: () => machineAt(server.url) });
    } catch (error) {
      throw withBugs(error, server);
    } finally {
      await server.stop();
    }
  });
}

/** The same behind a server in this process, whose clock `advance` moves by so many milliseconds. */
export async function withVendorAndClock(
  name: PublisherName,
  act: (scene: Vendor & { advance(milliseconds: number): void }) => Promise<void>,
): Promise<void> {
  await withPublisher(name, async (publisher, site, machineAt) => {
    const home = tempFolder("server");
    const file = join(home, "holdfast.yaml");
    writeFileSync(file, vendorConfig(publisher, site, "5m"));
    const flags = { data: join(home, "data"), listen: "127.0.0.1:0" };
    let shift = 0;
    const server = await start({
      config: loadConfig({ file, formats, flags, env: {} }),
      log: createLog("json", () => {}),
      now: () => Date.now() + shift,
    });
    const advance = (milliseconds: number) => {
      shift += milliseconds;
    };
    try {
      const url = server.url.replace(/\/$/, "");
      await act({ publisher, site, advance, machine: () => machineAt(url) });
    } finally {
      await server.stop();
      removeTemp(home);
    }
  });
}

async function withPublisher(
  name: PublisherName,
  act: (publisher: Publisher, site: Site, machineAt: (url: string) => AptRoot) => Promise<void>,
): Promise<void> {
  const publisher = await createPublisher(name);
  const site = serveFolder(publisher.root);
  const machines: AptRoot[] = [];
  try {
    await act(publisher, site, (url) => {
      const source = { url: `${url}/vendor`, suite: "stable main", key: publisher.key };
      const machine = new AptRoot([source]);
      machines.push(machine);
      return machine;
    });
  } finally {
    for (const one of machines) one.remove();
    await site.stop();
    await publisher.remove();
  }
}

function vendorConfig(publisher: Publisher, site: Site, freshness: string): string {
  const upstreams = [{ url: `${site.url}/` }];
  return configOf({ vendor: { format: "apt", upstreams, keyring: publisher.key, freshness } });
}
