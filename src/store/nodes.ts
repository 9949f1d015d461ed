// The servers that share a database: each raises its beat in its row, and sees the others' beats move. Whose beat stands still for long enough is
// dead to who sees it stand, by the clock of who looks: no clock is ever compared with another's, nor one of the machine's that can be set.
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { version } from "../core/build.ts";
import { Problem } from "../core/problem.ts";
import type { Query } from "./query.ts";

/** How often a node raises its own beat and looks at those of others. Milliseconds. */
export const BEAT_MS = 1_000;
/** A beat that was seen to stand for so long is a dead node's. */
const DEAD_MS = 3_500;
/** For so long after it began to raise its beat a node knows that nobody can have taken it for dead: what it is to do alone it may do. */
const SURE_MS = 2_500;

/** Statements that each stand for themselves: not behind the writes that wait, and in no transaction with them. */
export type Ask = (text: TemplateStringsArray, ...values: unknown[]) => ReturnType<Query>;

/** One of the servers, as this one sees it. */
export interface NodeState {
  id: string;
  host: string;
  /** On that host; null of an older version. */
  pid: number | null;
  /** Where it answers; null where that is not known yet. */
  url: string | null;
  version: string;
  /** Milliseconds since the epoch, by its own clock. */
  since: number;
  /** What is to be alike on all, as digests by key (config/shared.ts); null where it has not said so. */
  config: Readonly<Record<string, string>> | null;
  /** For how long this one has not seen its beat move. Milliseconds. */
  silentMs: number;
  isSelf: boolean;
}

/** What a node says of itself. */
export type Said = Partial<Pick<NodeState, "url" | "config">>;

/** Who was found to be dead in a turn. Of several nodes that see it, one alone is told. */
export interface Buried extends NodeState {
  /** As whom it heard news; null where there is none. */
  origin: string | null;
  /** The leases that it had: others have them from now on. */
  leases: string[];
}

export interface Nodes {
  /** The same for as long as the process lives: what its ids begin with. */
  readonly name: string;
  /** Of this node, as of now: another one after others had to take it for dead. Null until its row is there. */
  id(): string | null;
  /** Whether nobody can have taken it for dead yet. */
  isSure(): boolean;
  /** By id; as they were last read. */
  list(): NodeState[];
  /** Others see it from the next turn on. */
  say(said: Said): void;
  /** Raises the beat, looks at the others, and buries who is dead. Rejects when the database cannot be asked: it is no sign of life then either. */
  turn(): Promise<Buried[]>;
  /** Its row goes, and what it had leased with it. */
  leave(): Promise<void>;
}

export interface NodesDeps {
  ask: Ask;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that only grow, also while this process is stopped. */
  elapsed(): number;
  /** As whom it hears news; null where there is none. */
  origin?: string | null;
}

/** As its row has it. */
export interface NodeRow extends Omit<NodeState, "silentMs" | "isSelf"> {
  /** As whom it hears news; null where there is none. */
  origin: string | null;
  beat: number;
}

interface Seen extends NodeRow {
  /** When its beat was first seen to be this one. */
  movedAt: number;
}

/** By id. */
export async function readNodes(ask: Ask): Promise<NodeRow[]> {
  const rows =
    await ask`SELECT id, host, pid, url, version, since, beat, config, origin FROM nodes ORDER BY id`;
  return rows.map((row) => ({
    ...row,
    pid: row.pid === null ? null : Number(row.pid),
    since: Number(row.since),
    beat: Number(row.beat),
    config: row.config === null ? null : JSON.parse(row.config),
  }));
}

/** There is nothing in the database before the first `turn`. */
export function createNodes({ ask, now, elapsed, origin = null }: NodesDeps): Nodes {
  const since = now();
  const name = randomBytes(4).toString("hex");
  let lives = 0;
  let id: string | null = null;
  let said: Required<Said> = { url: null, config: null };
  let isSaid = false;
  let sureUntil = Number.NEGATIVE_INFINITY;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let seen = new Map<string, Seen>();
  /** Those whose rows this one removed, until it has said so: nobody else will. */
  let dead: Seen[] = [];

  /** True unless others have taken the node for dead: then its row is gone, with all that it had. */
  async function raise(): Promise<boolean> {
    const [row] = await ask`UPDATE nodes SET beat = beat + 1 WHERE id = ${id} RETURNING beat`;
    return row !== undefined;
  }

  async function enter(): Promise<void> {
    id = null;
    lives += 1;
    const fresh = lives === 1 ? name : `${name}-${lives}`;
    const { url } = said;
    const config = configText();
    await ask`INSERT INTO nodes (id, host, version, since, beat, pid, url, config, origin)
      VALUES (${fresh}, ${hostname()}, ${version}, ${since}, 1, ${process.pid}, ${url}, ${config}, ${origin})`;
    id = fresh;
  }

  async function tell(): Promise<void> {
    isSaid = true;
    try {
      await ask`UPDATE nodes SET url = ${said.url}, config = ${configText()} WHERE id = ${id}`;
    } catch (error) {
      isSaid = false;
      throw error;
    }
  }

  function configText(): string | null {
    return said.config && JSON.stringify(said.config);
  }

  async function look(): Promise<void> {
    const rows = await readNodes(ask);
    const at = elapsed();
    // Who did not look for a while, since it was stopped or nobody could reach the database, saw nobody stand still.
    const hasGap = at - lookedAt >= 2 * BEAT_MS;
    lookedAt = at;
    const next = new Map<string, Seen>();
    for (const row of rows) {
      const before = seen.get(row.id);
      const stands = before?.beat === row.beat && !hasGap;
      const movedAt = stands ? before.movedAt : at;
      next.set(row.id, { ...row, movedAt });
    }
    seen = next;
  }

  /** Who beats in this moment stays. What a node had ends after its row: until then nobody else is let to it. */
  async function bury(): Promise<Buried[]> {
    for (const one of seen.values())
      if (one.id !== id && elapsed() - one.movedAt >= DEAD_MS) {
        const [gone] =
          await ask`DELETE FROM nodes WHERE id = ${one.id} AND beat = ${one.beat} RETURNING id`;
        seen.delete(one.id);
        if (gone) dead.push(one);
      }
    const freed = await freeLeases();
    const told = dead;
    dead = [];
    return told.map((one) => {
      const { beat: _, movedAt: __, ...state } = one;
      const leases = freed.filter(({ node }) => node === one.id).map((lease) => lease.name);
      return { ...state, ...sightOf(one), leases };
    });
  }

  async function freeLeases(): Promise<{ name: string; node: string }[]> {
    try {
      return await ask`DELETE FROM leases WHERE NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.id = leases.node) RETURNING name, node`;
    } catch (error) {
      // What a transaction of the dead one still holds goes at a later turn: who lives goes on meanwhile.
      if (!(error instanceof Problem)) throw error;
      return [];
    }
  }

  function sightOf({ id: of, movedAt }: Seen): Pick<NodeState, "silentMs" | "isSelf"> {
    return { silentMs: elapsed() - movedAt, isSelf: of === id };
  }

  return {
    name,
    id: () => id,
    isSure: () => id !== null && elapsed() < sureUntil,
    list: () =>
      [...seen.values()].map((one) => {
        const { beat: _, movedAt: __, origin: ___, ...state } = one;
        return { ...state, ...sightOf(one) };
      }),
    say(more) {
      said = { ...said, ...more };
      isSaid = false;
    },
    async turn() {
      const began = elapsed();
      if (id === null || !(await raise())) await enter();
      sureUntil = began + SURE_MS;
      if (!isSaid) await tell();
      await look();
      return bury();
    },
    async leave() {
      const left = id;
      id = null;
      if (left === null) return;
      await ask`DELETE FROM nodes WHERE id = ${left}`;
      await ask`DELETE FROM leases WHERE node = ${left}`;
    },
  };
}
