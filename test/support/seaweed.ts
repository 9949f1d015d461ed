// SeaweedFS, of the tests' own: a service that speaks S3 and is not the gateway. It compares less of what is sent, and no object of it is a file.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAsk } from "../../src/store/bucket-ask.ts";
import { ACCESS_KEY, SECRET_KEY, testPlace } from "../../src/store/bucket-testkit.ts";
import { freePort } from "./process.ts";
import { startProgram } from "./program.ts";
import { removeTemp, tempFolder } from "./temp.ts";

export interface Seaweed {
  /** Without a trailing slash. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** What it listens on; each has a second one for its own protocol. */
const SERVICES = ["master", "volume", "filer", "s3"] as const;

/** `program`: its `weed`. Throws when it does not start. */
export async function startSeaweed(program: string, bucket: string): Promise<Seaweed> {
  const home = tempFolder("seaweed");
  const [data, config] = [join(home, "data"), join(home, "s3.json")];
  mkdirSync(data);
  const credentials = [{ accessKey: ACCESS_KEY, secretKey: SECRET_KEY }];
  writeFileSync(
    config,
    JSON.stringify({ identities: [{ name: "tests", credentials, actions: ["Admin"] }] }),
  );
  const ports = new Map<string, number>();
  for (const name of SERVICES)
    for (const more of ["", ".grpc"]) ports.set(`${name}.port${more}`, await freePort());
  const endpoint = `http://127.0.0.1:${ports.get("s3.port")}`;
  const ask = createAsk(testPlace(home, { endpoint, bucket }), { pauseMs: 1 });
  const clear = () => {
    removeTemp(home);
    // It puts them there, wherever other temporary files are wanted.
    for (const port of ports.values())
      for (const name of SERVICES)
        for (const kind of [name, `${name}-grpc`])
          rmSync(`/tmp/seaweedfs-${kind}-${port}.sock`, { force: true });
  };
  const command = [
    ...[program, "server", `-dir=${data}`, "-ip=127.0.0.1", "-ip.bind=127.0.0.1"],
    // By default it has eight volumes of 30 GB, and each bucket takes seven.
    ...["-volume.max=0", "-master.volumeSizeLimitMB=64"],
    ...["-s3", `-s3.config=${config}`, "-s3.port.iceberg=0", "-s3.port.lance=0"],
    ...[...ports].map(([name, port]) => `-${name}=${port}`),
  ];
  const running = await startProgram("weed", command, {
    cwd: home,
    isUp: () => isMade(ask),
  }).catch((error) => {
    clear();
    throw error;
  });
  return {
    endpoint,
    async stop() {
      await running.kill();
      clear();
    },
  };
}

/** The bucket is there, and takes objects. */
async function isMade(ask: ReturnType<typeof createAsk>): Promise<boolean> {
  try {
    await ask({ method: "PUT", path: "" }, [409]);
    await ask({ method: "PUT", path: "first", body: new Uint8Array(1), sha256: FIRST });
    return true;
  } catch {
    return false;
  }
}

/** SHA-256 of one byte that is zero. */
const FIRST = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
