// What operators have beside one PostgreSQL: a standby that follows it, its WAL in an archive, and one address that leads to whichever is the primary.
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { rowsOf } from "./catalog.ts";
import { type PostgresServer, placeIn, postgresPrograms, startPostgres, USER } from "./postgres.ts";
import { removeTemp, tempFolder } from "./temp.ts";
import { waitFor } from "./wait.ts";

export interface Standby extends PostgresServer {
  /** It takes writes from now on, and follows nobody. */
  promote(): Promise<void>;
}

/** Of a server that runs: it has all of that one, and follows it by streaming. */
export async function startStandby(primary: PostgresServer): Promise<Standby> {
  const server = await startPostgres(postgresPrograms()!, {
    fill: (data, run) => run("pg_basebackup", [...backupOf(primary), "-D", data, "-R"]),
    isStandby: true,
  });
  return {
    ...server,
    promote: () => server.run("pg_ctl", ["promote", "-w", "-D", join(server.folder, "data")]),
  };
}

function backupOf({ folder }: PostgresServer): string[] {
  return ["-h", folder, "-U", USER, "-X", "stream", "-c", "fast", "--no-sync"];
}

export interface Archived extends PostgresServer {
  /** A base backup of now. */
  backup(): Promise<void>;
  /** A point to which it can be put back, which is in the archive when this resolves. */
  mark(point: string): Promise<void>;
  /** Another server, made of the base backup and the archive, as this one was at that point. Takes the backup with it. */
  restore(point: string): Promise<PostgresServer>;
}

/** A server whose WAL goes to an archive. */
export async function startArchived(): Promise<Archived> {
  const home = tempFolder("archive");
  const [wal, base] = [join(home, "wal"), join(home, "base")];
  mkdirSync(wal);
  for (const folder of [home, wal]) chmodSync(folder, 0o777); // the server's user writes there
  const server = await startPostgres(postgresPrograms()!, {
    settings: ["archive_mode=on", `archive_command=cp %p ${wal}/%f`],
  });
  const ask = <Row>(query: string) => rowsOf<Row>(placeIn(server.folder), query)[0]!;
  return {
    ...server,
    backup: () => server.run("pg_basebackup", [...backupOf(server), "-D", base]),
    async mark(point) {
      ask(`SELECT pg_create_restore_point('${point}')::text`);
      const { file } = ask<{ file: string }>("SELECT pg_walfile_name(pg_switch_wal()) AS file");
      await waitFor(
        () => existsSync(join(wal, file)),
        () => `${file} is not archived`,
        20_000,
      );
    },
    restore: (point) =>
      startPostgres(postgresPrograms()!, {
        settings: [
          `restore_command=cp ${wal}/%f %p`,
          `recovery_target_name=${point}`,
          "recovery_target_action=promote",
        ],
        async fill(data) {
          renameSync(base, data);
          const signal = join(data, "recovery.signal");
          writeFileSync(signal, "");
          chmodSync(signal, 0o666); // the server's user opens it for writing
        },
      }),
    async stop() {
      await server.stop();
      removeTemp(home);
    },
  };
}

/** One address for one server after the other, as a pooler or an address that moves is: a socket in a folder. */
export interface Front {
  /** Of its socket. */
  readonly folder: string;
  /** New connections lead there. Those that exist are cut, left open to where they led, or open with nobody at the other end, as where a machine lost its power. */
  lead(to: PostgresServer, existing: "cut" | "leftOpen" | "silent"): void;
  stop(): Promise<void>;
}

const SOCKET = ".s.PGSQL.5432";

export async function startFront(first: PostgresServer): Promise<Front> {
  const folder = tempFolder("front");
  let to = first;
  const sockets = new Set<Socket>();
  const pairs = new Map<Socket, Socket>();
  const silent = new WeakSet<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    keep(client);
    const other = keep(connect(join(to.folder, SOCKET)));
    client.on("close", () => other.destroy());
    other.on("close", () => silent.has(client) || client.destroy());
    client.pipe(other);
    pairs.set(client, other);
    client.on("close", () => pairs.delete(client));
    other.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(join(folder, SOCKET), resolve));
  return {
    folder,
    lead(next, existing) {
      to = next;
      if (existing === "cut") for (const socket of sockets) socket.destroy();
      if (existing !== "silent") return;
      for (const [client, other] of pairs) {
        silent.add(client);
        client.unpipe(other);
        other.unpipe(client);
        other.destroy();
      }
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      removeTemp(folder);
    },
  };
}
