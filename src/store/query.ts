// SQL as a tagged template: values are bound, never pasted, and each template is prepared once.
import type { SQLQueryBindings, Database as Sqlite, Statement } from "bun:sqlite";
import { isBusy, whenFree } from "./busy.ts";
import { Several, spread } from "./several.ts";

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
  /** By the template, or by its text where values stand for several. */
  const prepared = new Map<TemplateStringsArray | string, Statement>();

  function statementOf(key: TemplateStringsArray | string, text: string): Statement {
    let statement = prepared.get(key);
    if (!statement) {
      statement = database.prepare(text);
      prepared.set(key, statement);
    }
    return statement;
  }
  function run(text: TemplateStringsArray, values: unknown[]): Row[] {
    const known = prepared.get(text);
    if (known) return known.all(...(values as SQLQueryBindings[]));
    if (!values.some((value) => value instanceof Several))
      return statementOf(text, text.join("?")).all(...(values as SQLQueryBindings[]));
    const { text: whole, bound } = spread(text, values, () => "?");
    return statementOf(whole, whole).all(...(bound as SQLQueryBindings[]));
  }
  async function query(text: TemplateStringsArray, ...values: unknown[]): Promise<Row[]> {
    try {
      return run(text, values);
    } catch (error) {
      // In a transaction the database is ours already: nothing can be busy.
      if (!isBusy(error)) throw error;
      return whenFree(() => run(text, values));
    }
  }
  return Object.assign(query, {
    unsafe: async (text: string) => database.query(text).all(),
    finalize() {
      for (const statement of prepared.values()) statement.finalize();
      prepared.clear();
    },
  });
}
