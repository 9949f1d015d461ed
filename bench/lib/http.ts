// One HTTP exchange with its times: bytes as sent, nothing decompressed, nothing pooled unless asked.
import { type Agent, request } from "node:http";

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** Body bytes as sent. */
  bytes: number;
  /** Milliseconds from the request to the first byte of the body. */
  firstByte: number;
  /** Milliseconds from the request to the last byte. */
  total: number;
  /** Kept only when asked for. */
  body: Buffer;
}

export interface Ask {
  headers?: Record<string, string>;
  /** Milliseconds without any progress. */
  timeout?: number;
  keepBody?: boolean;
  agent?: Agent;
}

/** GETs a URL. Rejects when the connection breaks before the body is complete. */
export function ask(url: string, options: Ask = {}): Promise<Answer> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        headers: options.headers ?? {},
        agent: options.agent ?? false,
        timeout: options.timeout ?? 120_000,
      },
      (response) => {
        let firstByte = 0;
        let bytes = 0;
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => {
          if (!firstByte) firstByte = performance.now() - began;
          bytes += chunk.length;
          if (options.keepBody) chunks.push(chunk);
        });
        response.on("end", () => {
          if (!response.complete) {
            reject(new Error(`${url} broke off after ${bytes} bytes`));
            return;
          }
          const total = performance.now() - began;
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            bytes,
            firstByte: firstByte || total,
            total,
            body: Buffer.concat(chunks),
          });
        });
        response.on("error", reject);
      },
    );
    call.on("timeout", () => call.destroy(new Error(`${url} was silent`)));
    call.on("error", reject);
    call.end();
  });
}
