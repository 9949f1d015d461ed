// SQL as a tagged template: values are bound, never pasted, and each template is prepared once.
import type { SQLQueryBindings, Database as Sqlite, Statement } from "bun:sqlite";

// biome-ignore lint/suspicious/noExplicitAny: a row is what the statement beside the call says
type Row = any;

/** `` await sql`SELECT … WHERE id = ${id}` `` gives rows. Promises, because another database would be behind a network. */
export interface Query {
  (text: TemplateStringsArray, ...values: unknown[]): Promise<Row[]>;
  /** A statement without values. */
  unsafe(text: string): Promise<Row[]>;
  /** Lets go of the prepared statements. */
  finalize(): void;
}

export function createQuery(database: Sqlite): Query {
  const prepared = new Map<TemplateStringsArray, Statement>();

  async function query(text: TemplateStringsArray, ...values: unknown[]): Promise<Row[]> {
    let statement = prepared.get(text);
    if (!statement) {
      statement = database.prepare(text.join("?"));
      prepared.set(text, statement);
    }
    return statement.all(...(values as SQLQueryBindings[]));
  }
  return Object.assign(query, {
    unsafe: async (text: string) => database.query(text).all(),
    finalize() {
      for (const statement of prepared.values()) statement.finalize();
      prepared.clear();
    },
  });
}
