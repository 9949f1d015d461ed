// One HTTP request as bytes on a socket: what no polite client would send. RFC 9112
import { connect } from "node:net";

export interface RawAnswer {
  status: number;
  /** Header lines, in lower case. */
  head: string;
  /** As it came, still chunked when it was sent so. */
  body: Buffer;
}

/** `head` is the request line and the header lines; `connection: close` is added. */
export async function sendRaw(url: string, head: string[]): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const parts: Buffer[] = [];
  const socket = connect(Number(port), hostname, () =>
    socket.write(Buffer.from(`${[...head, "connection: close"].join("\r\n")}\r\n\r\n`, "latin1")),
  );
  socket.on("data", (part: Buffer) => parts.push(part));
  socket.on("error", reject);
  socket.on("close", () => resolve(Buffer.concat(parts)));
  const all = await promise;
  const split = all.indexOf("\r\n\r\n");
  const top = (split < 0 ? all : all.subarray(0, split)).toString("latin1");
  return {
    status: Number(/^HTTP\/1\.\d (\d{3})/.exec(top)?.[1] ?? 0),
    head: top.toLowerCase(),
    body: split < 0 ? Buffer.alloc(0) : all.subarray(split + 4),
  };
}
