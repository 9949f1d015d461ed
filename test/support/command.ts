// A command beside a server of the tests, in a process of its own, as an operator gives it there.
const root = new URL("../../", import.meta.url).pathname;

/** What it prints. `codes`: with which it may end; throws with all that it says where it ends with another. */
export async function holdfastAt(
  { config, data }: { config: string; data: string },
  words: readonly string[],
  { input = "", codes = [0] }: { input?: string; codes?: readonly number[] } = {},
): Promise<string> {
  const command = [process.execPath, `${root}src/main.ts`, ...words];
  const child = Bun.spawn([...command, "--config", config, "--data", data], {
    cwd: root,
    stdin: new Blob([input]),
    stderr: "pipe",
  });
  const [out, trouble, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (!codes.includes(code)) throw new Error(`holdfast ${words.join(" ")}: ${out}${trouble}`);
  return out;
}
