// A receiver of webhooks on loopback that checks each signature by itself, and answers as the test says.
import { createHmac } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Heard {
  id: string;
  // biome-ignore lint/suspicious/noExplicitAny: JSON as a receiver reads it
  body: any;
  isSigned: boolean;
}

export interface HookReceiver {
  readonly url: string;
  /** What came so far, also what was answered with a failure. */
  readonly heard: Heard[];
  /** How it answers; 204 unless told. */
  answer(response: ServerResponse, nth: number): void;
  stop(): void;
}

/** `secret`: `whsec_` and base64. */
export async function startHookReceiver(secret: string): Promise<HookReceiver> {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString();
    const header = (name: string) => String(request.headers[name]);
    const [id, at] = [header("webhook-id"), header("webhook-timestamp")];
    const mac = createHmac("sha256", key).update(`${id}.${at}.${text}`).digest("base64");
    const isNow = Math.abs(Date.now() / 1000 - Number(at)) < 300;
    const isSigned = isNow && header("webhook-signature") === `v1,${mac}`;
    const nth = receiver.heard.push({ id, body: JSON.parse(text), isSigned });
    receiver.answer(response, nth);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: HookReceiver = {
    url: `http://127.0.0.1:${port}`,
    heard: [],
    answer: (response) => void response.writeHead(204).end(),
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
  return receiver;
}
