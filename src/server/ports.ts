// Where the server listens: its own address, and those of repositories that stand at the root of a port.
import { isDeepStrictEqual } from "node:util";
import type { App } from "../app.ts";
import type { Config } from "../config/resolve.ts";
import { type Address, formatAddress, socketPath } from "../config/values.ts";
import type { KeyPair } from "../core/certificate.ts";
import type { ReaderOptions } from "../http/incoming.ts";
import type { Passing } from "../http/passing.ts";
import { checkFree, type RunningServer, startServer } from "../http/server.ts";
import type { Ground } from "./ground.ts";

export interface Ports {
  /**
   * Listens where a configuration says, and no longer elsewhere: connections that are open are answered to the end of what they ask. Throws, with
   * the address as `listen`, when one cannot be listened on; then all is as before.
   */
  use(wanted: readonly Wanted[], tls: KeyPair | null): void;
  /** Where each listens: "http://127.0.0.1:4653". */
  url(name: string): string;
  addresses(): Address[];
  /** Finishes running responses, for `graceMs` at most. */
  stop(graceMs: number): Promise<void>;
}

export interface Wanted {
  /** Of its socket file, where it is one. */
  socketMode: number;
  /** The repository that stands at its root; empty for the whole server. */
  name: string;
  address: Address;
  reading: ReaderOptions;
}

interface Port extends Wanted {
  tls: KeyPair | null;
  server: RunningServer;
}

/** The ports of a configuration. What clients are told of the public address is not for the additional ones. */
export function portsOf(config: Config): Wanted[] {
  const { listen, publicUrl, trustedProxies, socketMode } = config;
  const own = { publicUrl: null, trustedProxies };
  return [
    { name: "", address: listen, reading: { publicUrl, trustedProxies }, socketMode },
    ...config.repositories.flatMap(({ name, listen: address }) =>
      address ? [{ name, address, reading: own, socketMode }] : [],
    ),
  ];
}

/** What another process answers, of a port at whose root `only` stands. */
export type PassingFor = (only: string | undefined) => Passing;

/** `passing`: another process listens there already, and answers a part. It has the socket files for itself. */
export function createPorts(
  app: App,
  { bodies, log }: Pick<Ground, "bodies" | "log">,
  passing: PassingFor | null = null,
): Ports {
  let ports: Port[] = [];
  const draining = new Set<RunningServer>();

  function open(wanted: Wanted, tls: KeyPair | null): Port {
    const { name, address, reading, socketMode } = wanted;
    const path = socketPath(address.host);
    const before = ports.find((port) => isDeepStrictEqual(port.address, address));
    if (before?.name === name && isDeepStrictEqual(before.tls, tls)) return { ...before, reading };
    try {
      if (!before && path === null && !passing) checkFree(address.host, address.port);
      const server = startServer({
        ...reading,
        hostname: address.host,
        socket: path === null ? null : { path, mode: socketMode },
        port: before?.server.port ?? address.port,
        tls,
        bodies,
        handle: (incoming) => app(incoming, name || undefined),
        ...(passing && { passing: passing(name || undefined) }),
        failed: (error) =>
          log.write("error", "A response could not be sent", { error: String(error) }),
      });
      return { ...wanted, tls, server };
    } catch (error) {
      throw Object.assign(error as Error, { listen: address });
    }
  }

  async function drain(server: RunningServer): Promise<void> {
    draining.add(server);
    await server.drain();
    draining.delete(server);
  }

  return {
    use(wanted, tls) {
      const next: Port[] = [];
      try {
        for (const one of wanted)
          if (!passing || socketPath(one.address.host) === null) next.push(open(one, tls));
      } catch (error) {
        for (const { server } of added(next, ports)) void server.stop(0);
        throw error;
      }
      for (const { server, reading } of next) server.readAs(reading);
      for (const { server } of added(ports, next)) void drain(server);
      ports = next;
    },
    url(name) {
      const port = ports.find((port) => port.name === name);
      if (!port) return "";
      const { hostname: host, port: number } = port.server;
      if (socketPath(host) !== null) return host;
      return `${port.tls ? "https" : "http"}://${formatAddress({ host, port: number })}`;
    },
    addresses: () => ports.map(({ server }) => ({ host: server.hostname, port: server.port })),
    async stop(graceMs) {
      const servers = [...ports.map(({ server }) => server), ...draining];
      await Promise.all(servers.map((server) => server.stop(graceMs)));
    },
  };
}

/** Those whose server is not among the others'. */
function added(ports: readonly Port[], others: readonly Port[]): Port[] {
  return ports.filter(({ server }) => !others.some((other) => other.server === server));
}
