// Connections to a PostgreSQL that says nothing.
import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { connectTo, leaveServer, type PostgresPlace } from "./postgres-link.ts";

test("what a server that is gone was asked is not waited for as long as one that may yet answer", async () => {
  const host = tempFolder("silent");
  const server = createServer((socket) => void socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => server.listen(join(host, ".s.PGSQL.5432"), resolve));
  const own = { password: null, passwordFile: null, tls: null, connections: 2 };
  const place: PostgresPlace = { host, port: 5432, database: "one", user: "one", ...own };
  const link = connectTo(place, 1, { times: { silenceMs: 600_000, connectSeconds: 600 } });
  const answer = link.ask((sql) => sql.unsafe("SELECT 1")).catch((error) => error);
  leaveServer(place, 1);
  expect(await answer).toMatchObject({ message: "The database does not answer" });
  await link.close();
  server.close();
  removeTemp(host);
});
