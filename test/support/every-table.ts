// A catalog with rows in every table of it, whatever tables there are: for who copies catalogs.
import type { ColumnKind, Row, Table, TargetTables } from "../../src/store/tables.ts";

/** What one engine may write otherwise than the other, or take for something else. */
const ODD: Record<ColumnKind, readonly string[]> = {
  integer: ["0", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808"],
  real: ["0", "-0.1", "100000000000000000000", "1e+300", "5e-324", "1700000000000.25"],
  text: ["", " ", "'; --", '"\\u0041\\', "a\nb\r\t", "\u{fffd}\u{1f980}", "\ue000", "{}", "NULL"],
  bytes: ["", "00ff", Buffer.from(Array.from({ length: 256 }, (_, at) => at)).toString("hex")],
};

/** So many rows in each, all different; the same each time. */
export async function fillEvery(
  tables: readonly Table[],
  target: TargetTables,
  count: number,
): Promise<void> {
  for (const table of tables)
    await target.insert(
      table,
      Array.from({ length: count }, (_, number) => rowOf(table, number)),
    );
}

export function rowOf({ columns, isCounted, key }: Table, number: number): Row {
  return columns.map(({ name, kind }, at) => {
    const odd = ODD[kind][(number + at) % ODD[kind].length]!;
    if (isCounted && key.includes(at)) return String(number * 3 + 1);
    // In keys and other unique indexes the number tells them apart.
    if (kind === "text") return `${odd}${name}${number}`;
    if (kind === "integer" && key.includes(at)) return String(number - 5);
    return odd;
  });
}
