// What one server does for all that share a database: it has a lease of it, by name, until it lets go or is dead.
import { createHash } from "node:crypto";
import { Problem } from "../core/problem.ts";
import type { Ask, NodeState, Nodes } from "./nodes.ts";
import type { Query } from "./query.ts";

export interface Lease {
  /** Whether nobody else can have it yet. To be asked again after whatever took time: a process may be stopped anywhere. */
  isHeld(): boolean;
  /** In a transaction: it is stored only while the lease is this one's. Throws Problem("conflict") where it is not any more. */
  assure(sql: Query): Promise<void>;
  /** Whether another node listens to what is told of it. */
  isAwaited(): Promise<boolean>;
  /** Tells those who listen, in place of what was told before. False where the lease is not this one's any more. */
  tell(text: string): Promise<boolean>;
  /** Lets go, any number of times. Never fails: what cannot be said now is said later. */
  release(): Promise<void>;
}

export interface Leases {
  /** Whether there may be other servers: where not, nobody need ask. */
  readonly hasOthers: boolean;
  /**
   * Null: another living node has it. In one node it keeps nobody out, and lasts until all have let go. Throws Problem("busy") where nobody can say, as
   * the database cannot be asked.
   */
  take(name: string): Promise<Lease | null>;
  /** The same beside other nodes that share it: they keep each other from nothing, and `isTaken` tells of any. */
  share(name: string): Promise<Lease>;
  /** What its holder tells, which is told from now on that somebody listens; null: nothing, or nobody has it. Throws Problem("busy") as `take` does. */
  listen(name: string): Promise<string | null>;
  /** Whether any node has it, or shares it. */
  isTaken(name: string): Promise<boolean>;
  /** Which node has it alone; null: none that is known. */
  holder(name: string): Promise<NodeState | null>;
}

/** Keeps bytes while they are given a name (cache/named.ts). Called, it lets go of them. */
export interface Hold {
  (): void;
  /** In the transaction that names them: they are still there. Throws Problem("conflict") where this server was stopped so long that they may not be. */
  assure(sql: Query): Promise<void>;
}

const MINE: Lease = {
  isHeld: () => true,
  assure: async () => {},
  isAwaited: async () => false,
  tell: async () => true,
  release: async () => {},
};

/** Of a server that has its database to itself: everything is granted, and nothing is asked. */
export const alone: Leases = {
  hasOthers: false,
  take: async () => MINE,
  share: async () => MINE,
  listen: async () => null,
  isTaken: async () => false,
  holder: async () => null,
};

interface NodeLeases extends Leases {
  /** Says what could not be said when it was let go. To be called again and again. */
  settle(): Promise<void>;
}

export function createLeases({ nodes, ask }: { nodes: Nodes; ask: Ask }): NodeLeases {
  /** How many here have it, by its key. */
  const holders = new Map<string, number>();
  /** One after the other for each: what is taken anew is not let go by who had it before. */
  const turns = new Map<string, Promise<unknown>>();
  /** Let go, which the database does not know yet. */
  const owed = new Set<string>();

  function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (turns.get(key) ?? Promise.resolve())
      .catch(() => {})
      .then(work)
      .finally(() => {
        if (turns.get(key) === turn) turns.delete(key);
      });
    turns.set(key, turn);
    return turn;
  }

  async function grant(key: string): Promise<string | null> {
    const node = sureNode(nodes);
    const [taken] =
      await ask`INSERT INTO leases (name, node) SELECT ${key}, id FROM nodes WHERE id = ${node}
      ON CONFLICT (name) DO NOTHING RETURNING name`;
    const isOurs = taken !== undefined || (await nodeOf(key)) === node;
    if (!isOurs) return null;
    // Whoever was stopped on the way may have been buried: what it has then ends at the next turn.
    return sureNode(nodes) === node ? node : null;
  }

  function taken(key: string): Promise<Lease | null> {
    return inTurn(key, async () => {
      const node = await grant(key);
      return node === null ? null : leaseOf(key, node);
    });
  }

  async function nodeOf(key: string): Promise<string | null> {
    const [row] = await ask`SELECT node FROM leases WHERE name = ${key}`;
    return row?.node ?? null;
  }

  async function giveBack(key: string, node: string): Promise<void> {
    if (holders.has(key)) return; // taken again meanwhile
    await ask`DELETE FROM leases WHERE name = ${key} AND node = ${node}`;
  }

  function leaseOf(key: string, node: string): Lease {
    let isReleased = false;
    holders.set(key, (holders.get(key) ?? 0) + 1);
    return {
      isHeld: () => !isReleased && nodes.isSure() && nodes.id() === node,
      async assure(sql) {
        const [row] = isReleased
          ? []
          : await sql`UPDATE leases SET node = node WHERE name = ${key} AND node = ${node} RETURNING name`;
        if (!row) throw new Problem("conflict", "Another server has taken this over");
      },
      async isAwaited() {
        const [row] =
          await ask`SELECT 1 AS found FROM leases WHERE name = ${key} AND node = ${node} AND wanted = 1`;
        return row !== undefined;
      },
      async tell(text) {
        const [row] =
          await ask`UPDATE leases SET told = ${text} WHERE name = ${key} AND node = ${node} RETURNING name`;
        return row !== undefined;
      },
      async release() {
        if (isReleased) return;
        isReleased = true;
        const left = holders.get(key)! - 1;
        if (left > 0) holders.set(key, left);
        else holders.delete(key);
        if (left > 0) return;
        owed.add(key);
        await settleOne(key);
      },
    };
  }

  /** Never fails. What the database does not hear now stays owed. */
  function settleOne(key: string): Promise<void> {
    return inTurn(key, async () => {
      const node = nodes.id();
      if (node !== null) await giveBack(key, node);
      owed.delete(key);
    }).catch(() => {});
  }

  return {
    hasOthers: true,
    take: (name) => taken(keyOf(name)),
    async share(name) {
      const lease = await taken(`${keyOf(name)} ${sureNode(nodes)}`);
      if (!lease) throw unsure(); // it became another node on the way
      return lease;
    },
    async listen(name) {
      const key = keyOf(name);
      const [row] = await ask`SELECT told, wanted FROM leases WHERE name = ${key}`;
      if (row && Number(row.wanted) === 0)
        await ask`UPDATE leases SET wanted = 1 WHERE name = ${key}`;
      return row?.told ?? null;
    },
    async isTaken(name) {
      const key = keyOf(name);
      const [row] = await ask`SELECT 1 AS found FROM leases
        WHERE name = ${key} OR (name > ${`${key} `} AND name < ${`${key}!`}) LIMIT 1`;
      return row !== undefined;
    },
    async holder(name) {
      const node = await nodeOf(keyOf(name));
      return nodes.list().find(({ id }) => id === node) ?? null;
    },
    async settle() {
      for (const key of owed) await settleOne(key);
    },
  };
}

function sureNode(nodes: Nodes): string {
  const id = nodes.id();
  if (id === null || !nodes.isSure()) throw unsure();
  return id;
}

function unsure(): Problem {
  return new Problem(
    "busy",
    "The database does not answer, so that nobody can say which server does this",
  );
}

/** As the table has a lease of this name: a database's key holds 2,700 bytes, and no NUL. */
export function keyOf(name: string): string {
  if (/^[\x20-\x7e]{1,200}$/.test(name)) return name;
  const [kind] = /^[a-z]{0,20}/.exec(name)!;
  return `${kind} ${createHash("sha256").update(name).digest("hex")}`;
}
