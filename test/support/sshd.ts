// A real ssh server (Debian's openssh-server) on loopback, in a folder of its own, to which whoever runs the tests may log in with one key.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "./process.ts";
import { run } from "./run.ts";
import { removeTemp, tempFolder } from "./temp.ts";
import { waitFor } from "./wait.ts";

export interface Sshd {
  /** ssh://user@127.0.0.1:port */
  readonly url: string;
  /** The private key that it lets in. */
  readonly key: string;
  /** A private key that it does not know. */
  readonly otherKey: string;
  /** Its own public key, as ssh-keyscan writes it, and one that is not its. */
  readonly hostKey: string;
  readonly otherHostKey: string;
  log(): string;
  stop(): Promise<void>;
}

/** Where a server of root's puts those who have not logged in yet. */
const EMPTY = "/run/sshd";

export async function startSshd(): Promise<Sshd> {
  const home = tempFolder("sshd");
  const at = (name: string) => join(home, name);
  const user = (await run(["id", "-un"], { cwd: home })).stdout.trim();
  if (process.getuid?.() === 0 && !existsSync(EMPTY)) mkdirSync(EMPTY, { mode: 0o755 });
  for (const name of ["host", "other-host", "key", "other-key"]) {
    const args = ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", at(name)];
    const made = await run(["ssh-keygen", ...args], { cwd: home });
    if (made.code !== 0) throw new Error(`ssh-keygen: ${made.output}`);
  }
  const port = await freePort();
  for (const name of ["host", "other-host"])
    writeFileSync(at(`${name}.known`), `[127.0.0.1]:${port} ${readFileSync(at(`${name}.pub`))}`);
  writeFileSync(
    at("config"),
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${at("host")}`,
      `AuthorizedKeysFile ${at("key.pub")}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "AllowTcpForwarding no",
      "X11Forwarding no",
      "LogLevel VERBOSE",
    ].join("\n"),
  );
  let log = "";
  const child = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", at("config")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  child.stderr.on("data", (chunk: Buffer) => {
    log += chunk;
  });
  await waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`sshd ended:\n${log}`);
      return answers(port);
    },
    () => `sshd does not answer:\n${log}`,
    20_000,
  );
  return {
    url: `ssh://${user}@127.0.0.1:${port}`,
    key: at("key"),
    otherKey: at("other-key"),
    hostKey: at("host.known"),
    otherHostKey: at("other-host.known"),
    log: () => log,
    async stop() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null && child.kill("SIGTERM")) await gone;
      removeTemp(home);
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
