import { expect, test } from "bun:test";
import { spawn } from "node:child_process";

const LINES = 20_000;
const program = (end: string) => `
  const { processLog } = await import(${JSON.stringify(new URL("process-log.ts", import.meta.url).pathname)});
  const log = processLog({ logs: { style: "json" } });
  for (let count = 0; count < ${LINES}; count += 1) log.write("info", "line " + count);
  ${end}
`;

/** What comes out of it, read by who takes a while to begin. */
async function output(end: string): Promise<string> {
  const child = spawn(process.execPath, ["-e", program(end)], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  child.stdout.pause();
  await Bun.sleep(300);
  let text = "";
  for await (const part of child.stdout) text += part;
  return text;
}

const ends: [name: string, code: string][] = [
  ["it exits", "process.exit(3);"],
  ["a bug ends it", 'throw new Error("a bug");'],
  ["it has nothing more to do", ""],
];
for (const [name, code] of ends)
  test(`all lines get out when ${name}`, async () => {
    const lines = (await output(code)).trimEnd().split("\n");
    expect(lines).toHaveLength(LINES);
    expect(JSON.parse(lines.at(-1)!).msg).toBe(`line ${LINES - 1}`);
  });
