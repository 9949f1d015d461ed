// Makes the rows of one catalog those of another: what is alike stays, so that a copy that was cut goes on, and a later one brings only what is new.
import { hash } from "node:crypto";
import { compareRows, type Row, type Table, type Tables, type TargetTables } from "./tables.ts";

export interface CopiedTable {
  table: string;
  /** In the source. */
  rows: number;
  /** Of these, as they were not there yet. */
  added: number;
  /** That were there and in the source no more, or not like that. */
  removed: number;
  /** Of the source's rows, in whatever order: see `digestOf`. */
  digest: string;
}

/** A portion to be written: rows, and about so many characters. */
const ROWS = 1000;
const CHARACTERS = 4 * 1024 * 1024;

/** `told`: of how many rows each time. The source may be served meanwhile: then the copy is as the source was at some moments in between. */
export async function copyTable(
  table: Table,
  from: Tables,
  to: TargetTables,
  told: (rows: number) => void,
): Promise<CopiedTable> {
  let missing = 0;
  let removed = 0;
  const isEmpty = await to.isEmpty(table);
  if (!isEmpty) {
    // First what must go: what comes may need its place in another unique index.
    const tally = createTally(told);
    const leaving = portions((rows) => to.remove(table, rows));
    await compare(table, from, to, (here, there) => {
      const isSame = here !== null && there !== null && isAlike(here, there);
      if (here) {
        tally.add(here);
        if (!isSame) missing += 1;
      }
      if (!there || isSame) return;
      removed += 1;
      return leaving.add(there);
    });
    await leaving.end();
    tally.end();
    if (missing === 0)
      return { table: table.name, rows: tally.rows, added: 0, removed, digest: tally.digest() };
  }
  let added = 0;
  const tally = createTally(isEmpty ? told : () => {});
  const coming = portions(async (rows) => {
    await to.insert(table, rows);
    added += rows.length;
  });
  await compare(table, from, to, (here, there) => {
    if (!here) return;
    tally.add(here);
    if (!there) return coming.add(here);
  });
  await coming.end();
  tally.end();
  return { table: table.name, rows: tally.rows, added, removed, digest: tally.digest() };
}

/** How many rows a table has, and a digest of them in which their order is of no account: the sum of their own, 128 bits of SHA-256 each. */
export async function digestOf(
  table: Table,
  from: Tables,
  told: (rows: number) => void = () => {},
): Promise<{ rows: number; digest: string }> {
  const tally = createTally(told);
  for await (const page of from.rows(table)) for (const row of page) tally.add(row);
  tally.end();
  return { rows: tally.rows, digest: tally.digest() };
}

/** `told`: of some rows at a time, and of the last ones at the end. */
function createTally(told: (rows: number) => void) {
  let sum = 0n;
  return {
    rows: 0,
    add(row: Row): void {
      this.rows += 1;
      if (this.rows % ROWS === 0) told(ROWS);
      const own = hash("sha256", JSON.stringify(row), "hex").slice(0, 32);
      sum = BigInt.asUintN(128, sum + BigInt(`0x${own}`));
    },
    end(): void {
      told(this.rows % ROWS);
    },
    digest: () => sum.toString(16).padStart(32, "0"),
  };
}

function isAlike(a: Row, b: Row): boolean {
  return a.every((value, at) => value === b[at]);
}

/** Rows of the same key together, and null for the side that has none. What `each` returns is waited for. */
async function compare(
  table: Table,
  from: Tables,
  to: Tables,
  each: (here: Row | null, there: Row | null) => Promise<void> | void,
): Promise<void> {
  const [left, right] = [openRows(table, from), openRows(table, to)];
  try {
    await Promise.all([left.fill(), right.fill()]);
    for (;;) {
      const [here, there] = [left.row(), right.row()];
      if (!here && !there) return;
      const order = here && there ? compareRows(table, here, there) : here ? -1 : 1;
      const work = each(order <= 0 ? here : null, order >= 0 ? there : null);
      if (work) await work;
      // Most rows stand in a page that is here: nothing is waited for.
      if (order <= 0 && left.leave()) await left.fill();
      if (order >= 0 && right.leave()) await right.fill();
    }
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}

/** Throws an Error where an engine orders its rows otherwise than we do: what is missed must not be taken for gone. */
function openRows(table: Table, from: Tables) {
  const pages = from.rows(table);
  let page: readonly Row[] = [];
  let at = 0;
  let last: Row | null = null;
  return {
    /** Null behind the last one. */
    row: () => page[at] ?? null,
    /** Goes on to the next one; true where that is in another page. */
    leave(): boolean {
      last = page[at]!;
      at += 1;
      requireOrder();
      return at === page.length;
    },
    async fill(): Promise<void> {
      const { done, value } = await pages.next();
      page = done ? [] : value;
      at = 0;
      requireOrder();
    },
    async close(): Promise<void> {
      await pages.return(undefined);
    },
  };

  function requireOrder(): void {
    const next = page[at];
    if (next && last && compareRows(table, last, next) >= 0)
      throw new Error(`The rows of ${table.name} do not come in the order of their key`);
  }
}

function portions(write: (rows: readonly Row[]) => Promise<void>) {
  let rows: Row[] = [];
  let size = 0;
  async function end(): Promise<void> {
    if (rows.length > 0) await write(rows);
    rows = [];
    size = 0;
  }
  return {
    end,
    /** What it returns is to be waited for. */
    add(row: Row): Promise<void> | undefined {
      rows.push(row);
      for (const value of row) size += value?.length ?? 0;
      return rows.length >= ROWS || size >= CHARACTERS ? end() : undefined;
    },
  };
}

/** All of a table to where nothing of it is. */
export async function fillTable(
  table: Table,
  from: Pick<Tables, "rows">,
  to: TargetTables,
): Promise<void> {
  const coming = portions((rows) => to.insert(table, rows));
  for await (const page of from.rows(table)) for (const row of page) await coming.add(row);
  await coming.end();
}
