// A connection to PostgreSQL that breaks in the one moment that matters: a commit is through, and its answer is not.
import { mkdirSync } from "node:fs";
import { connect, createServer } from "node:net";

export interface Cut {
  /** Of its socket. */
  readonly folder: string;
  /** The next transaction in which `mark` is sent is committed, and its connection ends in place of the answer. */
  arm(mark: string): void;
  stop(): void;
}

/** Stands between a client and a server, whose socket is in `server`. */
export async function cutAtCommit(server: string, folder: string): Promise<Cut> {
  mkdirSync(folder);
  let wanted: string | null = null;
  const listener = createServer((client) => {
    let isMarked = false;
    let isCutting = false;
    const upstream = connect(`${server}/.s.PGSQL.5432`);
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
    arm(mark) {
      wanted = mark;
    },
    stop: () => listener.close(),
  };
}
