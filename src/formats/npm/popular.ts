// Names that many know, which others are mistaken for: well known ones, written down from what people use and not from any list of a registry. More of
// them would tell of names that nobody means. `popular.txt` has them as words.
/** Read when a name is first asked for under a rule that wants it told. */
export async function popular(): Promise<readonly string[]> {
  const { default: text } = await import("./popular.txt", { with: { type: "text" } });
  const names = text.split(/\s+/).filter(Boolean);
  return [...new Set(names)];
}
