// Which generation of a suite a client is in the middle of, so that an update never mixes two: by its connection, and by its address, since one
// update may come over several connections, and one connection may serve many updates (apt's own, one after the other; a proxy's, all mixed).

/** An update is over by then, on a connection that no release passed by since. */
const REMEMBERED_MS = 60 * 60_000;
/** Who is in the middle of an update asks again within this time. */
export const ACTIVE_MS = 5 * 60_000;
const CLIENTS_IN_MEMORY = 10_000;

interface Sight {
  generation: string;
  /** When it was last given something of it. */
  at: number;
}

export interface Sessions {
  /** The client was given this generation's release file. */
  note(client: string, suite: string, generation: string): void;
  /** The generation that it is in the middle of, or null. To be asked for what it then is given of it. */
  of(client: string, suite: string): string | null;
}

/**
 * `client` is an address, with or without a port: see `Request.client`. A connection that was heard within the last minutes stays where it is, whatever
 * others of its address are given; one that was not follows the release that its address was given last. The longest unheard clients are forgotten first.
 */
export function createSessions(now: () => number): Sessions {
  const clients = new Map<string, Map<string, Sight>>();

  function put(client: string, suite: string, sight: Sight): void {
    const seen = clients.get(client) ?? new Map<string, Sight>();
    clients.delete(client);
    clients.set(client, seen.set(suite, sight));
    if (clients.size > CLIENTS_IN_MEMORY) clients.delete(clients.keys().next().value!);
  }

  function get(client: string, suite: string, forMs: number): Sight | null {
    const sight = clients.get(client)?.get(suite);
    return sight && now() - sight.at < forMs ? sight : null;
  }

  return {
    note(client, suite, generation) {
      for (const who of [client, addressOf(client)]) {
        const sight = clients.get(who)?.get(suite);
        if (sight?.generation === generation) sight.at = now();
        else put(who, suite, { generation, at: now() });
      }
    },
    of(client, suite) {
      const sight =
        get(client, suite, ACTIVE_MS) ??
        get(addressOf(client), suite, ACTIVE_MS) ??
        get(client, suite, REMEMBERED_MS);
      if (!sight) return null;
      sight.at = now();
      return sight.generation;
    },
  };
}

/** Without the port. What is no port of an IPv6 address only makes the address a little wider. */
export function addressOf(client: string): string {
  return `${client.replace(/:[^:\]]*$/, "")} *`;
}
