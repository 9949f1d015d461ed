// Which generation of a suite a client is in the middle of: by its connection, so that an update never mixes two.

/** An update is over by then. */
const REMEMBERED_MS = 60 * 60_000;
/** A client whose connection broke comes back from another port, soon. */
const ADDRESS_REMEMBERED_MS = 5 * 60_000;
const CLIENTS_IN_MEMORY = 10_000;

interface Sight {
  generation: string;
  at: number;
}

export interface Sessions {
  /** The client was given this generation's release file. */
  note(client: string, suite: string, generation: string): void;
  /** The generation that it was last given, or null. */
  of(client: string, suite: string): string | null;
}

/** `client` is an address, with or without a port: see `Request.client`. The longest unheard clients are forgotten first. */
export function createSessions(now: () => number): Sessions {
  const clients = new Map<string, Map<string, Sight>>();

  function put(client: string, suite: string, sight: Sight): void {
    const seen = clients.get(client) ?? new Map<string, Sight>();
    clients.delete(client);
    clients.set(client, seen.set(suite, sight));
    if (clients.size > CLIENTS_IN_MEMORY) clients.delete(clients.keys().next().value!);
  }

  function get(client: string, suite: string, forMs: number): string | null {
    const sight = clients.get(client)?.get(suite);
    return sight && now() - sight.at < forMs ? sight.generation : null;
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
      return (
        get(client, suite, REMEMBERED_MS) ?? get(addressOf(client), suite, ADDRESS_REMEMBERED_MS)
      );
    },
  };
}

/** Without the port. What is no port of an IPv6 address only makes the address a little wider. */
function addressOf(client: string): string {
  return `${client.slice(0, client.lastIndexOf(":") + 1)}*`;
}
