// Bodies of requests, many, large, slow and never ending: memory stays what it is, and the others are served.
import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { configText } from "../support/config.ts";
import { startUpstream } from "../support/fake-upstream/index.ts";
import { peakOf, startProcess } from "../support/process.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

const MIB = 1024 * 1024;

test("a hundred clients that fall silent after 15 MiB each take no more memory than there is for all bodies", async () => {
  const upstream = await startUpstream();
  const server = await startProcess({ config: configText(upstream) });
  const sockets: Socket[] = [];
  try {
    const peaks = () => server.nodes.map(({ pid }) => peakOf(pid));
    const before = peaks();
    const answers: string[] = [];
    /** Answered, or cut: where a client is too slow to throw away what it still sends, the answer can be lost with the connection. */
    const over = new Set<Socket>();
    let written = 0;
    for (let count = 0; count < 100; count += 1) {
      const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
      sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", (data) => {
        answers.push(String(data));
        over.add(socket);
      });
      socket.on("close", () => over.add(socket));
      socket.write(
        `POST /npm/-/npm/v1/security/audits HTTP/1.1\r\nHost: a\r\nContent-Length: ${15 * MIB + 1}\r\n\r\n`,
      );
      socket.write(Buffer.alloc(15 * MIB, "["), () => {
        written += 1;
      });
    }
    // All but those that have room are sent away; what they still send is thrown away.
    await waitFor(
      () => over.size >= 90 && answers.length >= 20,
      () => `${over.size} are over, ${answers.length} of them answered, ${written} of 100 written`,
      60_000,
    );
    // Those that had room fell silent, and on a slow machine that was told by now.
    const statuses = new Set(answers.map((one) => one.slice(9, 12)));
    expect([...statuses].filter((status) => status !== "408")).toEqual(["503"]);
    const away = answers.find((one) => one.startsWith("HTTP/1.1 503 "))!;
    expect(away.toLowerCase()).toContain("\r\nretry-after: ");
    // A project's audit finds its room.
    const audit = await fetch(`${server.url}/npm/-/npm/v1/security/advisories/bulk`, {
      method: "POST",
      body: JSON.stringify({ "left-pad": ["1.3.0"] }),
    });
    expect(audit.status).toBe(200);
    for (const [at, peak] of peaks().entries()) expect(peak - before[at]!).toBeLessThan(500);
  } finally {
    for (const socket of sockets) socket.destroy();
    await server.stop();
    await upstream.stop();
  }
}, 90_000);

test("an upload of 200 MB that comes slowly is written as it comes", async () => {
  const folder = tempFolder("upload");
  const program = new URL("upload-server.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [program, join(folder, "file")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const port = await new Promise<number>((resolve) =>
      child.stdout.once("data", (line: Buffer) => resolve(Number(line))),
    );
    const piece = Buffer.alloc(MIB, "x");
    const hash = createHash("sha256");
    const upload = () =>
      new ReadableStream<Uint8Array>({
        async pull(controller) {
          await Bun.sleep(5);
          sent += 1;
          hash.update(piece);
          controller.enqueue(piece);
          if (sent === 200) controller.close();
        },
      });
    let sent = 0;
    const warm = await fetch(`http://127.0.0.1:${port}/`, { method: "PUT", body: piece });
    await warm.text();
    const before = peakOf(child.pid!);
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: "PUT", body: upload() });
    expect(await response.text()).toBe(hash.digest("hex"));
    expect(peakOf(child.pid!) - before).toBeLessThan(60);
  } finally {
    child.kill();
    removeTemp(folder);
  }
}, 60_000);
