// Debian's apt installs real packages from the real Debian repositories, through a server with its built-in configuration; then again, cut off.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { builtInRepositories } from "../../src/config/upstreams.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";
import { AptRoot } from "./apt-root.ts";
import { withPrograms } from "./clients.ts";

const fault = process.env["HOLDFAST_TEST_NO_NETWORK"] ?? "";

/** Small ones of many kinds: with what they depend on about sixty. */
const wants = [
  "hello",
  "sl",
  "figlet",
  "tree",
  "jq",
  "rsync",
  "less",
  "bc",
  "dc",
  "ed",
  "file",
  "patch",
  "time",
  "unzip",
  "zip",
  "lsof",
  "pv",
  "socat",
  "netcat-openbsd",
  "whois",
  "dos2unix",
  "moreutils",
];

if (fault) test.skip(`the real Debian repositories: ${fault}`, () => {});
else
  withPrograms(["apt"], () => {
    let server: ServerProcess;
    let machine: AptRoot;
    beforeAll(async () => {
      server = await startProcess();
      const key = String(builtInRepositories["debian"]?.options?.["keyring"]);
      machine = new AptRoot([
        { url: `${server.url}/debian`, suite: "bookworm main", key },
        { url: `${server.url}/debian`, suite: "bookworm-updates main", key },
        { url: `${server.url}/debian-security`, suite: "bookworm-security main", key },
      ]);
    }, 30_000);
    afterAll(async () => {
      machine.remove();
      await server.stop();
    });

    test("apt-get update and 40 packages; then the same, offline, on a new machine", async () => {
      await machine.update();
      const files = await machine.download(...wants);
      expect(files.size).toBeGreaterThanOrEqual(40);
      const lists = machine.lists();
      expect(lists.size).toBeGreaterThanOrEqual(3);

      await server.restart(["--offline"]);
      machine.forget();
      await machine.update();
      expect(machine.lists()).toEqual(lists);
      expect(await machine.download(...wants)).toEqual(files);
    }, 300_000);
  });
