// Counts the connections that are made to a PostgreSQL, those that it refuses as well.
import { mkdirSync } from "node:fs";
import { connect, createServer } from "node:net";

export interface Counted {
  /** Of its socket. */
  readonly folder: string;
  /** Since it began. */
  readonly made: number;
  stop(): void;
}

/** Stands between clients and a server, whose socket is in `server`. */
export async function countConnections(server: string, folder: string): Promise<Counted> {
  mkdirSync(folder);
  let made = 0;
  const listener = createServer((client) => {
    made += 1;
    const upstream = connect(`${server}/.s.PGSQL.5432`);
    client.pipe(upstream).pipe(client);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const)
      from.on("close", () => to.destroy()).on("error", () => {});
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  listener.listen(`${folder}/.s.PGSQL.5432`, () => resolve());
  await promise;
  return {
    folder,
    get made() {
      return made;
    },
    stop: () => listener.close(),
  };
}
