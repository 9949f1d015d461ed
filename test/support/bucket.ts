// A gateway that speaks S3, of the tests' own: its buckets are folders in a temporary folder, and gone with it.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ACCESS_KEY, SECRET_KEY } from "../../src/store/bucket-testkit.ts";
import { freePort } from "./process.ts";
import { removeTemp, tempFolder } from "./temp.ts";
import { waitFor } from "./wait.ts";

export interface Gateway {
  /** Without a trailing slash; the same after it was killed and revived. */
  readonly endpoint: string;
  /** Where the objects of a bucket are files, by their names. */
  folderOf(bucket: string): string;
  /** Ends it at once, as a machine that fails does. What was acknowledged stays. */
  kill(): Promise<void>;
  /** Starts it again, after `kill`. `secret`: of the access key from then on. */
  revive(secret?: string): Promise<void>;
  stop(): Promise<void>;
}

/** As the configuration has it, with its key in files of a temporary folder. */
export function storeOptions(
  endpoint: string,
  url: string,
  change: Record<string, unknown> = {},
): Record<string, unknown> {
  const home = tempFolder("keys");
  const [accessKeyFile, secretKeyFile] = [join(home, "key"), join(home, "secret")];
  writeFileSync(accessKeyFile, ACCESS_KEY);
  writeFileSync(secretKeyFile, SECRET_KEY);
  return { url, endpoint, accessKeyFile, secretKeyFile, ...change };
}

/** `program`: of versitygw. Throws when it does not start. */
export async function startGateway(program: string, buckets: readonly string[]): Promise<Gateway> {
  const home = tempFolder("gateway");
  const [objects, beside] = [join(home, "objects"), join(home, "beside")];
  for (const folder of [beside, ...buckets.map((bucket) => join(objects, bucket))])
    mkdirSync(folder, { recursive: true });
  const begin = (port: number, secret = SECRET_KEY) =>
    run(program, [
      ...["--quiet", "--access", ACCESS_KEY, "--secret", secret],
      ...["--port", `127.0.0.1:${port}`],
      ...["posix", "--sidecar", beside, objects],
    ]);
  let port = await freePort();
  // Somebody else may have been given the same port meanwhile.
  let running = await begin(port).catch(async () => {
    port = await freePort();
    return begin(port);
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    folderOf: (bucket) => join(objects, bucket),
    kill: () => running.kill(),
    async revive(secret) {
      running = await begin(port, secret);
    },
    async stop() {
      await running.kill();
      removeTemp(home);
    },
  };
}

async function run(program: string, args: string[]): Promise<{ kill(): Promise<void> }> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  let isGone = false;
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      log += chunk;
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
  const url = `http://${args[args.indexOf("--port") + 1]}/`;
  await waitFor(
    async () => isGone || (await isGateway(url)),
    () => `versitygw does not start: ${log}`,
    60_000,
  );
  if (isGone) {
    process.off("exit", end);
    throw new Error(`versitygw does not start: ${log}`);
  }
  return {
    async kill() {
      end();
      await ended;
      process.off("exit", end);
    },
  };
}

async function isGateway(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => null);
  return response?.headers.get("server") === "VERSITYGW";
}
