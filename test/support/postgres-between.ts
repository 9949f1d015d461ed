// What stands between a client and a PostgreSQL: a socket in a folder of its own, which counts, falls silent, or breaks in the one moment that matters.
import { mkdirSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";

interface Stand {
  /** Of its socket. */
  readonly folder: string;
  stop(): void;
}

/** `server`: the folder of its socket. `pass` hands on what is said on a connection; where one end goes the other one does. */
async function standBetween(
  server: string,
  folder: string,
  pass: (client: Socket, upstream: Socket) => void,
): Promise<Stand> {
  mkdirSync(folder);
  const listener = createServer((client) => {
    const upstream = connect(`${server}/.s.PGSQL.5432`);
    pass(client, upstream);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const)
      from.on("close", () => to.destroy()).on("error", () => {});
  });
  await new Promise<void>((resolve) => listener.listen(`${folder}/.s.PGSQL.5432`, resolve));
  return { folder, stop: () => listener.close() };
}

export interface Counted extends Stand {
  /** Connections since it began, those that the server refused as well. */
  readonly made: number;
}

export async function countConnections(server: string, folder: string): Promise<Counted> {
  let made = 0;
  const stand = await standBetween(server, folder, (client, upstream) => {
    made += 1;
    client.pipe(upstream).pipe(client);
  });
  return {
    ...stand,
    get made() {
      return made;
    },
  };
}

export interface Mutable extends Stand {
  /** What is said meanwhile gets lost. */
  isMute: boolean;
}

export async function mutable(server: string, folder: string): Promise<Mutable> {
  const between = { isMute: false };
  const stand = await standBetween(server, folder, (client, upstream) => {
    client.on("data", (chunk) => void (between.isMute || upstream.write(chunk)));
    upstream.on("data", (chunk) => void (between.isMute || client.write(chunk)));
  });
  return Object.assign(between, stand);
}

export interface Cut extends Stand {
  /** The next transaction in which `mark` is sent is committed, and its connection ends in place of the answer. */
  arm(mark: string): void;
}

export async function cutAtCommit(server: string, folder: string): Promise<Cut> {
  let wanted: string | null = null;
  const stand = await standBetween(server, folder, (client, upstream) => {
    let isMarked = false;
    let isCutting = false;
    client.on("data", (chunk) => {
      if (chunk.includes("BEGIN")) isMarked = false;
      isMarked ||= wanted !== null && chunk.includes(wanted);
      if (isMarked && chunk.includes("COMMIT")) {
        isCutting = true;
        wanted = null;
      }
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (isCutting) client.destroy();
      else client.write(chunk);
    });
  });
  return {
    ...stand,
    arm(mark) {
      wanted = mark;
    },
  };
}
