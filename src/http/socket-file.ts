// A server at a socket file: one that a killed server left is taken over, one that is in use is not, and its mode is right from its first moment.
import { chmodSync, lstatSync, readFileSync, rmSync } from "node:fs";

/** Whoever made `serve` listen at the file. Throws EADDRINUSE, as a port that is taken does. */
export function atSocket<Server>(
  { path, mode }: { path: string; mode: number },
  serve: () => Server,
): Server {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found && (!found.isSocket() || isListenedOn(path)))
    throw Object.assign(new Error(`${path} is taken`), { code: "EADDRINUSE" });
  rmSync(path, { force: true });
  // Between its making and a change of its mode others could connect.
  const before = process.umask(0o177);
  try {
    const server = serve();
    chmodSync(path, mode);
    return server;
  } finally {
    process.umask(before);
  }
}

/** Whether a process listens there, as Linux tells; elsewhere nobody is said to. proc_pid_net(5) */
function isListenedOn(path: string): boolean {
  try {
    const lines = readFileSync("/proc/net/unix", "utf8").split("\n");
    return lines.some((line) => line.split(" ")[3] === "00010000" && line.endsWith(` ${path}`));
  } catch {
    return false;
  }
}

/** What is left of it when its server is gone. */
export function leaveSocket(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A folder that can only be read by now: the next one takes it over.
  }
}
