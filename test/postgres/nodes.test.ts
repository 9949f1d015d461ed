// Servers on a real PostgreSQL, each on a connection of its own and by real clocks: who has a lease, and who has it when a process is killed.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { createLog } from "../../src/core/log.ts";
import { joinNodes } from "../../src/server/nodes.ts";
import type { Lease } from "../../src/store/leases.ts";
import { createNodes } from "../../src/store/nodes.ts";
import { askPostgres, openPostgres } from "../../src/store/postgres.ts";
import { placeOf } from "../../src/store/testkit.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

if (process.env["HOLDFAST_TEST_POSTGRES"]) define();

function define(): void {
  const clocks = { now: Date.now, elapsed: () => performance.now() };
  const log = createLog("json", () => {});
  const LONG_MS = 50_000;

  /** Another process that takes the lease, says so, and does nothing more. */
  function holder(place: unknown, lease: string) {
    const source = `
      const { joinNodes } = await import(${JSON.stringify(Bun.resolveSync("../../src/server/nodes.ts", import.meta.dir))});
      const { leases } = await joinNodes(${JSON.stringify(place)}, { log: null, now: Date.now, elapsed: () => performance.now() });
      const lease = await leases.take(${JSON.stringify(lease)});
      console.log(lease === null ? "refused" : "taken");
      setInterval(() => {}, 1000);
    `;
    return Bun.spawn([process.execPath, "-e", source], { stdout: "pipe", stderr: "inherit" });
  }

  async function firstWord(child: ReturnType<typeof holder>): Promise<string> {
    for await (const chunk of child.stdout) return new TextDecoder().decode(chunk).trim();
    return "";
  }

  test("a row that a stopped server's transaction holds keeps nobody waiting, and no server from living", async () => {
    const folder = tempFolder("nodes");
    const place = await placeOf(join(folder, "holdfast.db"));
    const database = await openPostgres(place);
    const { ask, close } = askPostgres(place);
    const nodes = createNodes({ ask, ...clocks });
    const [held, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    try {
      await nodes.turn();
      await database.write((sql) => sql`INSERT INTO leases (name, node) VALUES ('log', 'dead')`);
      const stopped = database.write(async (sql) => {
        await sql`UPDATE leases SET node = node WHERE name = 'log' AND node = 'dead' RETURNING name`;
        held.resolve();
        await go.promise;
      });
      await held.promise;
      const release = ask`DELETE FROM leases WHERE name = ${"log"} AND node = ${"dead"}`;
      await expect(release).rejects.toMatchObject({ kind: "busy" });
      await nodes.turn();
      expect(nodes.id()).not.toBeNull();
      go.resolve();
      await stopped;
      await nodes.turn();
      expect(await database.read`SELECT name FROM leases`).toEqual([]);
    } finally {
      go.resolve();
      await nodes.leave();
      await close();
      await database.close();
      removeTemp(folder);
    }
  });

  test("a lease of a process that is killed goes to another, and one that is let go of at once", async () => {
    const folder = tempFolder("nodes");
    const place = await placeOf(join(folder, "holdfast.db"));
    const database = await openPostgres(place);
    const { leases, nodes, leave } = await joinNodes(place, { log, ...clocks });
    const other = await joinNodes(place, { log, ...clocks });
    const child = holder(place, "job tide");
    try {
      expect(await firstWord(child)).toBe("taken");
      // On a busy machine a node may not be sure of itself for a moment.
      let asked: unknown;
      await waitFor(
        async () => {
          asked = await leases.take("job tide").catch(() => undefined);
          return asked !== undefined;
        },
        () => "Nobody can say who has it",
        LONG_MS,
      );
      expect(asked).toBeNull();
      await waitFor(
        () => nodes!.list().length === 3,
        () => "Not all are seen",
        LONG_MS,
      );
      child.kill("SIGKILL");
      await child.exited;
      let lease: Lease | null = null;
      await waitFor(
        async () => {
          lease ??= await leases.take("job tide").catch(() => null);
          return lease !== null;
        },
        () => "The dead process has it still",
        LONG_MS,
      );
      const late = await other.leases.take("job tide").catch(() => null);
      expect(late === null || !lease!.isHeld()).toBe(true);
      await late?.release();
      await lease!.release();
      await waitFor(
        async () => (await database.read`SELECT id FROM nodes`).length === 2,
        () => "The dead process is not forgotten",
        LONG_MS,
      );
    } finally {
      child.kill("SIGKILL");
      await leave();
      await other.leave();
      expect(await database.read`SELECT name FROM leases`).toEqual([]);
      await database.close();
      removeTemp(folder);
    }
  });
}
