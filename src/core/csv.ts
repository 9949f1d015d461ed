// Rows for spreadsheets.

/** RFC 4180, with its line end. What a spreadsheet would take for a formula is told apart by a quote: names are what callers chose. */
export function csvLine(cells: readonly string[]): string {
  const written = cells.map((cell) => {
    const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${written.join(",")}\r\n`;
}
