// The recorded upstream as the measurements use it: start, stop (the cut cable), count, slow down.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { registries } from "../upstream/registries.ts";
import { bench, workFolder } from "./paths.ts";
import { isFree, lowPorts, type Server, serve } from "./process.ts";

export interface Upstreams {
  /** Base URLs, without a trailing slash. `pypi` is the site; its index is at /simple/. */
  npm: string;
  pypi: string;
  go: string;
  apt: string;
  composer: string;
  /** The checksum database's name; served by `go` below /sumdb/. */
  sumdb: string;
}

export interface State {
  counts: Record<string, number>;
  missing: Record<string, number>;
}

export interface RecordedUpstream {
  urls: Upstreams;
  /** Starts it, on the same ports each time, so that what was cached stays true. */
  start(record?: boolean): Promise<void>;
  stop(): Promise<void>;
  reset(): Promise<void>;
  state(): Promise<State>;
  /** Bytes per second for each file over a megabyte; 0 lifts it. */
  rate(bytes: number): Promise<void>;
}

/** One for each format, and one to steer by. */
const PORTS = 6;

/** The ports of the last run where they are free: rendered documents name them. */
function choosePorts(file: string): number[] {
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as number[]) : [];
  if (known.length === PORTS && known.every(isFree)) return known;
  const ports = lowPorts(PORTS);
  writeFileSync(file, JSON.stringify(ports));
  return ports;
}

export async function recordedUpstream(): Promise<RecordedUpstream> {
  const folder = workFolder("recording");
  const ports = choosePorts(join(folder, "ports.json"));
  const [npm, pypi, go, apt, composer, control] = ports.map((port) => `http://127.0.0.1:${port}`);
  const urls = {
    npm: npm!,
    pypi: pypi!,
    go: go!,
    apt: apt!,
    composer: composer!,
    sumdb: registries().sumdb,
  };
  let server: Server | null = null;
  const tell = async (path: string) => (await (await fetch(control + path)).json()) as State;
  return {
    urls,
    async start(record = false) {
      const args = [join(bench, "upstream.ts"), folder, ...ports.map(String)];
      if (record) args.push("--record");
      const command = { name: "upstream", command: process.execPath, args };
      server = await serve(command, `${control}/`, 120);
    },
    async stop() {
      await server?.stop();
      server = null;
    },
    reset: async () => void (await tell("/reset")),
    state: () => tell("/"),
    rate: async (bytes) => void (await tell(`/rate?bytes=${bytes}`)),
  };
}
