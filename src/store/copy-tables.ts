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
  if (!(await to.isEmpty(table))) {
    // First what must go: what comes may need its place in another unique index.
    const leaving = portions((rows) => to.remove(table, rows));
    for await (const [here, there] of sideBySide(table, from, to)) {
      const isSame = here !== null && there !== null && isAlike(here, there);
      if (here && !isSame) missing += 1;
      if (!there || isSame) continue;
      removed += 1;
      await leaving.add(there);
    }
    await leaving.end();
    if (missing === 0) {
      const { rows, digest } = await digestOf(table, from, told);
      return { table: table.name, rows, added: 0, removed, digest };
    }
  }
  let added = 0;
  const tally = createTally();
  const coming = portions(async (rows) => {
    await to.insert(table, rows);
    added += rows.length;
  });
  for await (const [here, there] of sideBySide(table, from, to)) {
    if (!here) continue;
    tally.add(here);
    if (tally.rows % ROWS === 0) told(ROWS);
    if (!there) await coming.add(here);
  }
  await coming.end();
  told(tally.rows % ROWS);
  return { table: table.name, rows: tally.rows, added, removed, digest: tally.digest() };
}

/** How many rows a table has, and a digest of them in which their order is of no account: the sum of their own, 128 bits of SHA-256 each. */
export async function digestOf(
  table: Table,
  from: Tables,
  told: (rows: number) => void = () => {},
): Promise<{ rows: number; digest: string }> {
  const tally = createTally();
  for await (const page of from.rows(table)) {
    for (const row of page) tally.add(row);
    told(page.length);
  }
  return { rows: tally.rows, digest: tally.digest() };
}

function createTally() {
  let sum = 0n;
  return {
    rows: 0,
    add(row: Row): void {
      this.rows += 1;
      const own = hash("sha256", JSON.stringify(row), "hex").slice(0, 32);
      sum = BigInt.asUintN(128, sum + BigInt(`0x${own}`));
    },
    digest: () => sum.toString(16).padStart(32, "0"),
  };
}

function isAlike(a: Row, b: Row): boolean {
  return a.every((value, at) => value === b[at]);
}

/** Rows of the same key together, and null for the side that has none. */
async function* sideBySide(
  table: Table,
  from: Tables,
  to: Tables,
): AsyncGenerator<[here: Row | null, there: Row | null]> {
  const [left, right] = [inOrder(table, from), inOrder(table, to)];
  try {
    let here = await next(left);
    let there = await next(right);
    while (here || there) {
      const order = here && there ? compareRows(table, here, there) : here ? -1 : 1;
      yield [order <= 0 ? here : null, order >= 0 ? there : null];
      if (order <= 0) here = await next(left);
      if (order >= 0) there = await next(right);
    }
  } finally {
    await left.return(undefined);
    await right.return(undefined);
  }
}

async function next(rows: AsyncGenerator<Row>): Promise<Row | null> {
  const { done, value } = await rows.next();
  return done ? null : value;
}

/** Throws an Error where an engine orders its rows otherwise than we do: what is missed must not be taken for gone. */
async function* inOrder(table: Table, from: Tables): AsyncGenerator<Row> {
  let last: Row | null = null;
  for await (const page of from.rows(table))
    for (const row of page) {
      if (last && compareRows(table, last, row) >= 0)
        throw new Error(`The rows of ${table.name} do not come in the order of their key`);
      last = row;
      yield row;
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
    async add(row: Row): Promise<void> {
      rows.push(row);
      for (const value of row) size += value?.length ?? 0;
      if (rows.length >= ROWS || size >= CHARACTERS) await end();
    },
  };
}
