// A server that writes what it is sent to a file and answers its digest: memory is measured of it alone. Started as: upload-server.ts FILE
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { reply } from "../../src/core/reply.ts";
import { createBodies } from "../../src/http/bodies.ts";
import { send } from "../../src/http/send.ts";
import { startServer } from "../../src/http/server.ts";

const bodies = createBodies({ memory: 1024 * 1024, silenceMs: 30_000, timeMs: 60_000 });
const server = startServer({
  hostname: "127.0.0.1",
  port: 0,
  publicUrl: null,
  trustedProxies: [],
  bodies,
  async handle(incoming) {
    const file = await open(process.argv[2]!, "w");
    const hash = createHash("sha256");
    try {
      for await (const chunk of incoming.stream(1024 ** 3)) {
        hash.update(chunk);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    return send(reply(200, "text/plain", hash.digest("hex")), incoming, null, () => {});
  },
});
console.log(server.port);
