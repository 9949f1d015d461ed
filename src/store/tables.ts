// What a catalog of either kind consists of, for who copies one into another: its tables, and their rows in a form that both engines share.
import { Database as Sqlite } from "bun:sqlite";
import { migrate } from "./migrate.ts";

export type ColumnKind = "integer" | "real" | "text" | "bytes";

export interface Table {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly kind: ColumnKind }[];
  /** Which columns are its primary key, in the order of the key. */
  readonly key: readonly number[];
  /** Whether the key is a number that the database gives out. */
  readonly isCounted: boolean;
}

/** A value a column, in the order of the table: whole numbers and others as decimal text, bytes in hexadecimal. The same from both engines. */
export type Row = readonly (string | null)[];

/** A catalog whose rows are read. */
export interface Tables {
  /** All rows in the order of their key, as of one moment, some at a time. */
  rows(table: Table): AsyncGenerator<readonly Row[]>;
  isEmpty(table: Table): Promise<boolean>;
}

/** A catalog that becomes the copy of another one: nothing else writes it, and none of its triggers fires. */
export interface TargetTables extends Tables {
  /** Rows that are there, by their keys. */
  remove(table: Table, rows: readonly Row[]): Promise<void>;
  /** Rows whose keys are not there. Throws Problem("malformed") that names a row which this engine cannot hold. */
  insert(table: Table, rows: readonly Row[]): Promise<void>;
}

/** Speak of the catalog that they stand in and of the servers that run on it: they belong to no copy of it. */
const OF_THE_PLACE: readonly string[] = ["moves", "nodes", "leases"];

/** By name: those of both engines are told by the same migrations. */
export function allTables(): Table[] {
  const schema = new Sqlite(":memory:");
  try {
    migrate(schema, ":memory:");
    const names = schema
      .query<{ name: string }, []>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
      )
      .all()
      .map(({ name }) => name);
    return names
      .filter((name) => !OF_THE_PLACE.includes(name))
      .map((name) => tableOf(schema, name));
  } finally {
    schema.close();
  }
}

function tableOf(schema: Sqlite, name: string): Table {
  const columns = schema
    .query<{ name: string; type: string; pk: number }, []>(`PRAGMA table_info(${quoted(name)})`)
    .all();
  const key = columns
    .flatMap(({ pk }, at) => (pk > 0 ? [{ pk, at }] : []))
    .sort((a, b) => a.pk - b.pk)
    .map(({ at }) => at);
  if (key.length === 0) throw new Error(`The table ${name} has no primary key to be copied by`);
  return {
    name,
    columns: columns.map((column) => ({ name: column.name, kind: kindOf(column.type) })),
    key,
    isCounted: key.length === 1 && columns[key[0]!]!.type === "INTEGER",
  };
}

function kindOf(type: string): ColumnKind {
  if (/INT/.test(type)) return "integer";
  if (type === "REAL") return "real";
  return type === "BLOB" ? "bytes" : "text";
}

/** A name as it stands in a statement: some are words of SQL. */
export const quoted = (name: string) => `"${name}"`;

export const columnsOf = ({ columns }: Table) => columns.map(({ name }) => quoted(name)).join(", ");

export const keyOf = ({ columns, key }: Table) =>
  key.map((at) => quoted(columns[at]!.name)).join(", ");

/** Which of two rows comes first by their key: text goes by its bytes, as in both engines. */
export function compareRows({ columns, key }: Table, a: Row, b: Row): number {
  for (const at of key) {
    const order = compare(columns[at]!.kind, a[at] ?? "", b[at] ?? "");
    if (order !== 0) return order;
  }
  return 0;
}

const ASCII = /^[\0-\x7f]*$/;

function compare(kind: ColumnKind, a: string, b: string): number {
  if (a === b) return 0;
  if (kind === "text" || kind === "bytes") {
    // Letters, digits and signs go the same way by their bytes.
    if (ASCII.test(a) && ASCII.test(b)) return a < b ? -1 : 1;
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
  const [x, y] = kind === "integer" ? [BigInt(a), BigInt(b)] : [Number(a), Number(b)];
  return x < y ? -1 : 1;
}

/** For people: the table, and the key of the row. */
export function named({ name, columns, key }: Table, row: Row): string {
  const words = key.map((at) => `${columns[at]!.name} ${JSON.stringify(row[at]).slice(0, 100)}`);
  return `${name} (${words.join(", ")})`;
}
