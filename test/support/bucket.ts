// A gateway that speaks S3, of the tests' own: its buckets are folders in a temporary folder, and gone with it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ACCESS_KEY, SECRET_KEY } from "../../src/store/bucket-testkit.ts";
import { freePort } from "./process.ts";
import { startProgram } from "./program.ts";
import { removeTemp, tempFolder } from "./temp.ts";

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
    startProgram(
      "versitygw",
      [
        ...[program, "--quiet", "--access", ACCESS_KEY, "--secret", secret],
        ...["--port", `127.0.0.1:${port}`],
        ...["posix", "--sidecar", beside, objects],
      ],
      { isUp: () => isGateway(`http://127.0.0.1:${port}/`) },
    );
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

async function isGateway(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => null);
  return response?.headers.get("server") === "VERSITYGW";
}
