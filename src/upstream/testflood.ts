// For tests only: a server in a thread of its own that sends a gigabyte and says how far it came once nobody takes more.
import { type AddressInfo, createServer, type Socket } from "node:net";
import * as tls from "node:tls";

const STILL_MS = 300;
const SIZE = 1024 ** 3;
const chunk = Buffer.alloc(64 * 1024, "x");

function flood(socket: Socket) {
  let written = 0;
  let still: ReturnType<typeof setTimeout>;
  const pump = () => {
    clearTimeout(still);
    still = setTimeout(() => postMessage({ written }), STILL_MS);
    let more = true;
    while (more && written < SIZE) {
      more = socket.write(chunk);
      written += chunk.length;
    }
  };
  socket.on("error", () => socket.destroy()).on("close", () => clearTimeout(still));
  socket.once("data", () => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${SIZE}\r\n\r\n`);
    socket.on("drain", pump);
    pump();
  });
}

// The first message says how to listen: over TLS when it holds a certificate.
self.onmessage = ({ data }: MessageEvent<{ key?: string; cert?: string }>) => {
  const server =
    data.key && data.cert
      ? tls.createServer({ key: data.key, cert: data.cert }, flood)
      : createServer(flood);
  server.listen(0, "127.0.0.1", () => {
    postMessage({ port: (server.address() as AddressInfo).port });
  });
};
