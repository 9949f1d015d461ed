// packed-refs: a file with a line for each ref. git writes thousands of new refs so only while it clones; else each is a file of its own, which takes a millisecond or two.
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

/** As git writes it of refs whose commits are told as well. */
const HEADER = "# pack-refs with: peeled fully-peeled sorted \n";

/** Adds refs that name commits. Nobody else is at work in the folder, and the names are neither there nor files of their own. */
export async function packRefs(gitDir: string, added: ReadonlyMap<string, string>): Promise<void> {
  const path = join(gitDir, "packed-refs");
  const text = await readFile(path, "latin1").catch((error) => {
    if (error.code === "ENOENT") return HEADER;
    throw error;
  });
  // git's own lock: whoever comes after a kill sweeps it up.
  const file = await open(`${path}.lock`, "wx", 0o600);
  try {
    await file.writeFile(withRefs(text, added), "latin1");
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.lock`, path);
}

/** Lines of bytes as Latin-1, so that they sort as git sorts them and stay what they are. */
export function withRefs(text: string, added: ReadonlyMap<string, string>): string {
  const headers: string[] = [];
  const refs: { name: string; lines: string }[] = [];
  for (const line of text.split("\n").filter(Boolean)) {
    if (line.startsWith("#")) headers.push(`${line}\n`);
    else if (line.startsWith("^")) refs.at(-1)!.lines += `${line}\n`;
    else refs.push({ name: line.slice(line.indexOf(" ") + 1), lines: `${line}\n` });
  }
  for (const [name, commit] of added) refs.push({ name, lines: `${commit} ${name}\n` });
  refs.sort((a, b) => (a.name < b.name ? -1 : 1));
  return headers.join("") + refs.map(({ lines }) => lines).join("");
}
