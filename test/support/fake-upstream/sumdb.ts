// A real checksum database for the fake Go proxy: records, a Merkle tree in tiles, signed tree heads. https://go.dev/ref/mod#checksum-database, RFC 6962.
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { sha256, text } from "./answers.ts";
import type { Said } from "./http.ts";

const HEIGHT = 8;
const WIDTH = 1 << HEIGHT;

export class FakeSumdb {
  readonly name: string;
  /** What a client's GOSUMDB holds: name+hash+key. */
  readonly key: string;
  readonly #secret;
  readonly #hash: Buffer;
  readonly #records: string[] = [];
  readonly #index = new Map<string, number>();
  /** By level, the hashes of all complete subtrees. */
  readonly #levels: Buffer[][] = [];

  constructor(name: string, seed: string) {
    this.name = name;
    // PKCS #8 of an Ed25519 key made from a fixed seed, so that runs are alike. RFC 8410.
    const der = Buffer.concat([
      Buffer.from("302e020100300506032b657004220420", "hex"),
      sha256(seed),
    ]);
    this.#secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    const spki = createPublicKey(this.#secret).export({ format: "der", type: "spki" });
    const key = Buffer.concat([Buffer.from([1]), spki.subarray(-32)]);
    this.#hash = sha256(Buffer.concat([Buffer.from(`${name}\n`), key])).subarray(0, 4);
    this.key = `${name}+${this.#hash.toString("hex")}+${key.toString("base64")}`;
  }

  get size(): number {
    return this.#records.length;
  }

  /** `zip` and `mod` are `h1:` hashes. */
  add(module: string, version: string, zip: string, mod: string): void {
    this.#index.set(`${module}@${version}`, this.#records.length);
    this.append(`${module} ${version} ${zip}\n${module} ${version}/go.mod ${mod}\n`);
  }

  append(record: string): void {
    let at = this.#records.push(record) - 1;
    let hash = sha256(Buffer.concat([Buffer.from([0]), Buffer.from(record)]));
    for (let level = 0; ; level += 1) {
      this.#levels[level] ??= [];
      const hashes = this.#levels[level]!;
      hashes.push(hash);
      if (at % 2 === 0) return;
      hash = node(hashes[at - 1]!, hash);
      at = (at - 1) / 2;
    }
  }

  /** `path` is inside the database, with a leading slash: /lookup/…, /latest, /tile/…. Module paths come unescaped. */
  answer(path: string): Said {
    if (path === "/supported") return text(200, "");
    if (path === "/latest") return text(200, this.#head());
    const lookup = /^\/lookup\/(.+)$/.exec(path);
    if (lookup) {
      const id = this.#index.get(unescapeModule(decodeURIComponent(lookup[1]!)));
      return id === undefined
        ? text(404, `not found: ${lookup[1]}: unknown revision\n`)
        : text(200, `${id}\n${this.#records[id]}\n${this.#head()}`);
    }
    const tile = /^\/tile\/8\/(data|\d+)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path);
    if (!tile) return text(404, "not found\n");
    const number = Number(tile[2]!.replaceAll(/[x/]/g, ""));
    return this.#tile(tile[1]!, number, tile[3] ? Number(tile[3]) : WIDTH);
  }

  #tile(level: string, number: number, width: number): Said {
    const all = level === "data" ? this.#records : (this.#levels[Number(level) * HEIGHT] ?? []);
    const part = all.slice(number * WIDTH, number * WIDTH + width);
    if (part.length < width) return text(404, "not found\n");
    if (level === "data") return text(200, (part as string[]).join("\n"));
    return {
      status: 200,
      headers: { "content-type": "application/octet-stream" },
      body: Buffer.concat(part as Buffer[]),
    };
  }

  #head(): string {
    const note = `go.sum database tree\n${this.size}\n${this.#root(0, this.size).toString("base64")}\n`;
    const signature = Buffer.concat([this.#hash, sign(null, Buffer.from(note), this.#secret)]);
    return `${note}\n\u2014 ${this.name} ${signature.toString("base64")}\n`;
  }

  /** RFC 6962 §2.1, out of the complete subtrees. */
  #root(start: number, end: number): Buffer {
    if (end === 0) return sha256("");
    const count = end - start;
    const level = 31 - Math.clz32(count);
    if (1 << level === count) return this.#levels[level]![start >> level]!;
    return node(this.#root(start, start + (1 << level)), this.#root(start + (1 << level), end));
  }
}

function node(left: Buffer, right: Buffer): Buffer {
  return sha256(Buffer.concat([Buffer.from([1]), left, right]));
}

/** "!kelp" is "Kelp". https://go.dev/ref/mod#goproxy-protocol */
export function unescapeModule(path: string): string {
  return path.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
