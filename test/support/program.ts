// A service of the tests' own that is another program: started, waited for, and gone with the tests.
import { spawn } from "node:child_process";
import { waitFor } from "./wait.ts";

/** Of what it wrote, for people. Characters. */
const TOLD = 4_000;

/** Throws with what it wrote when it ends, or is not up within a minute: then it is ended. `kill`: at once, as a machine that fails does; resolves when it is gone. */
export async function startProgram(
  name: string,
  [program = "", ...args]: string[],
  { isUp, cwd }: { isUp(): Promise<boolean>; cwd?: string },
): Promise<{ kill(): Promise<void> }> {
  const child = spawn(program, args, { ...(cwd && { cwd }), stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  let isGone = false;
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      log = `${log}${chunk}`.slice(-TOLD);
    });
  child.on("error", (error) => {
    log += error.message;
  });
  const ended = new Promise<void>((resolve) =>
    child.on("close", () => {
      isGone = true;
      resolve();
    }),
  );
  const end = () => child.kill("SIGKILL");
  process.on("exit", end);
  async function kill(): Promise<void> {
    end();
    await ended;
    process.off("exit", end);
  }
  const why = () => `${name} does not start: ${log}`;
  try {
    await waitFor(async () => isGone || (await isUp()), why, 60_000);
    if (isGone) throw new Error(why());
  } catch (error) {
    await kill();
    throw error;
  }
  return { kill };
}
