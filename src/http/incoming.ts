// A request as it came, as a value: read from what Bun gives, once, and cheaply, since most are answered from memory.

import { addressTest } from "../core/address.ts";
import { memoText } from "../core/memo.ts";
import type { RequestBody } from "./bodies.ts";
import { clientAddress, type Forwarded } from "./client-address.ts";
import { oneSlash } from "./path.ts";

/** A request before it is known which repository it is for. */
export interface Incoming {
  readonly method: string;
  /** Raw: percent-encoded, without the query. */
  readonly path: string;
  readonly query: string;
  /** Scheme and authority as this client sees them: "https://packages.example.com". */
  readonly origin: string;
  readonly address: string;
  /** Address and port of the connection, or the address that a trusted proxy names. */
  readonly client: string;
  header(name: string): string | null;
  body(limit: number): Promise<Uint8Array>;
  stream(limit: number): AsyncIterable<Uint8Array>;
}

export interface ReaderOptions {
  /** Else the origin is taken from the request. Without a trailing slash. */
  publicUrl: string | null;
  trustedProxies: readonly string[];
}

/** Where a connection comes from. */
interface Peer {
  readonly address: string;
  readonly port: number;
}

/** RFC 1035 §2.3.4, and a port. */
const HOST_LENGTH = 255 + 6;
const HOST = /^[A-Za-z0-9._-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/;
const NOWHERE: Peer = { address: "", port: 0 };
/** Whoever may open the socket file. */
const SOCKET: Peer = { address: "unix:", port: 0 };

/** A class, since the getters and functions of an object are made anew with each one. */
class Received implements Incoming {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly origin: string;
  readonly address: string;
  readonly #headers: Headers;
  readonly #peer: Peer;
  readonly #body: RequestBody;

  constructor(
    request: Request,
    peer: Peer,
    body: RequestBody,
    from: { origin: string; address: string },
  ) {
    const { url } = request;
    // Without a Host header that makes sense the URL is the path alone.
    const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
    const mark = url.indexOf("?", start);
    this.method = request.method;
    this.path = oneSlash(mark < 0 ? url.slice(start) : url.slice(start, mark));
    this.query = mark < 0 ? "" : url.slice(mark + 1);
    this.origin = from.origin;
    this.address = from.address;
    this.#headers = request.headers; // each look at them through the request costs half of what a header does
    this.#peer = peer;
    this.#body = body;
  }

  get client(): string {
    const { address, port } = this.#peer;
    return this.address === address && port > 0 ? `${address}:${port}` : this.address;
  }
  header(name: string): string | null {
    return this.#headers.get(name);
  }
  body(limit: number): Promise<Uint8Array> {
    return this.#body.whole(limit);
  }
  stream(limit: number): AsyncIterable<Uint8Array> {
    return this.#body.stream(limit);
  }
}

export type Reader = (request: Request, peer: Peer | null, body: RequestBody) => Incoming;

/** With which another process of this server passes on whom a request is from, and what that one calls the server. */
export const PASSED = { origin: "x-holdfast-origin", address: "x-holdfast-address" } as const;

/** Of requests that other processes of this server pass on. */
export const readPassed: Reader = (request, _peer, body) => {
  const said = (name: string) => request.headers.get(name) ?? "";
  const from = { origin: said(PASSED.origin), address: said(PASSED.address) };
  return new Received(request, SOCKET, body, from);
};

/** `isSecure`: clients speak TLS to this server itself. `isSocket`: they come through a socket file. `port`: its own, for clients that name none. */
export function createReader(
  { publicUrl, trustedProxies }: ReaderOptions,
  { isSecure, isSocket = false, port }: { isSecure: boolean; isSocket?: boolean; port(): number },
): Reader {
  const isOfRange = addressTest(trustedProxies.filter((one) => one !== SOCKET.address));
  const trustsSocket = trustedProxies.includes(SOCKET.address);
  const isTrusted = (address: string) =>
    address === SOCKET.address ? trustsSocket : isOfRange(address);
  const hasProxies = trustedProxies.length > 0;
  const originOf = (protocol: string, host: string | null) => {
    const isHost = host !== null && host.length <= HOST_LENGTH && HOST.test(host);
    return `${protocol}://${isHost ? host : `127.0.0.1:${port()}`}`;
  };
  const direct = memoText((host) => originOf(isSecure ? "https" : "http", host));
  function originFor(headers: Headers, forwarded: Forwarded | null): string {
    const host = forwarded?.host ?? headers.get("host");
    return forwarded?.protocol ? originOf(forwarded.protocol, host) : direct(host ?? "");
  }

  return (request, connection, body) => {
    const { headers } = request;
    const peer = connection ?? (isSocket ? SOCKET : NOWHERE);
    const header = (name: string) => headers.get(name);
    const forwarded = hasProxies ? clientAddress(peer.address, header, isTrusted) : null;
    return new Received(request, peer, body, {
      origin: publicUrl ?? originFor(headers, forwarded),
      address: forwarded?.address ?? peer.address,
    });
  };
}
