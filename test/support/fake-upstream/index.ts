// One machine that stands in for all public registries: real protocols, made-up packages, faults on demand, and a record of what it was asked.
import { gunzipSync, gzipSync } from "node:zlib";
import { text } from "./answers.ts";
import { FakeApt } from "./apt.ts";
import { FakeComposer } from "./composer.ts";
import { FakeCodeHost } from "./composer-code.ts";
import { FakeGo } from "./go.ts";
import { type Asked, type Listening, listen, type Said, type Wire } from "./http.ts";
import { FakeNpm } from "./npm.ts";
import { FakePypi } from "./pypi.ts";

/**
 * Faults of the wire, and those of the content. `status` takes a number, `redirect` a URL. `flip` changes one byte in the middle;
 * `login` is an HTML page with status 200, as captive portals send it; `empty` a 200 without a body; `part` a 206 that nobody asked for; `coding` says
 * that the bytes are in the coding that it takes, which they are not; `cut` is half of their gzip, as if it were all.
 */
export type FaultKind =
  | Wire
  | "status"
  | "redirect"
  | "flip"
  | "login"
  | "empty"
  | "part"
  | "coding"
  | "cut";

export const faultKinds: readonly FaultKind[] = [
  "reset",
  "silent",
  "stall",
  "truncated",
  "slow",
  "long",
  "short",
  "status",
  "redirect",
  "flip",
  "login",
  "empty",
  "part",
  "coding",
  "cut",
];

export interface Recorded {
  method: string;
  /** As sent, with the query. */
  target: string;
  headers: Record<string, string>;
  body: string;
}

export interface UpstreamOptions {
  /** The npm registry sends no ETag, no compression, no abbreviated form and no signatures. */
  plainNpm?: boolean;
}

export interface FakeUpstream {
  readonly npm: FakeNpm;
  readonly pypi: FakePypi;
  readonly go: FakeGo;
  readonly apt: FakeApt;
  readonly composer: FakeComposer;
  /** Base URLs without a trailing slash: of the npm registry, of the index (that has /simple/), of the file host, of the Go proxy, of the checksum database itself, of the folder of the apt archives. */
  readonly urls: Record<"npm" | "pypi" | "files" | "go" | "sumdb" | "apt", string>;
  /** Of the Composer repository and its site, of the one behind a password, of the code host and of the host that packs for it. */
  readonly composerUrls: Record<"root" | "site" | "satis" | "code" | "download", string>;
  readonly requests: Recorded[];
  /** Paths asked, in order, without the query. */
  paths(): string[];
  /** `pattern` is a path with `*` for anything, or a regular expression; the newest fault that fits wins. */
  fault(pattern: string | RegExp, kind: FaultKind, argument?: string | number): void;
  clear(): void;
  /** Every connection is refused by the system. */
  off(): Promise<void>;
  on(): Promise<void>;
  stop(): Promise<void>;
}

interface Fault {
  pattern: RegExp;
  kind: FaultKind;
  argument: string | number | undefined;
}

export async function startUpstream(options: UpstreamOptions = {}): Promise<FakeUpstream> {
  const npm = new FakeNpm({ plain: options.plainNpm ?? false });
  const pypi = new FakePypi({ plain: false });
  const go = new FakeGo({ plain: false });
  const apt = await FakeApt.create();
  const composer = new FakeComposer();
  const codeHost = new FakeCodeHost(composer.packages);
  const requests: Recorded[] = [];
  let faults: Fault[] = [];

  function route(asked: Asked): Said {
    const [, room = "", rest = ""] = /^\/([a-z]+)(\/.*)$/.exec(asked.path) ?? [];
    if (room === "npm") return npm.answer(asked, rest);
    if (room === "pypi") return pypi.answer(asked, rest);
    if (room === "go") return go.answer(asked, rest);
    if (room === "apt") return apt.answer(asked, rest);
    if (room === "composer") return composer.answer(asked, rest);
    // What stands beside the metadata needs the password as well.
    if (room === "satis" || room === "archives") return composer.satis.answer(asked, rest);
    if (room === "empty") return text(200, "");
    return text(404, "Not Found");
  }

  const answering = (answer: (asked: Asked) => Said) => async (asked: Asked) => {
    requests.push({
      method: asked.method,
      target: asked.target,
      headers: asked.headers,
      body: bodyOf(asked),
    });
    const fault = faults.find((item) => item.pattern.test(asked.path));
    return fault ? spoil(fault, () => answer(asked)) : answer(asked);
  };
  const main = await listen(answering(route));
  // Another port is another origin: the index names its files there, as the public one does.
  const files = await listen(answering((asked) => pypi.download(asked, asked.path)));
  const sumdb = await listen(answering((asked) => go.sumdb.answer(asked.path)));
  const site = await listen(answering((asked) => composer.answerSite(asked)));
  const code = await listen(answering((asked) => codeHost.answer(asked)));
  const download = await listen(answering((asked) => codeHost.pack(asked)));
  const all = [main, files, sumdb, site, code, download];
  const origin = (listening: Listening) => `http://127.0.0.1:${listening.port}`;
  const urls = {
    npm: `${origin(main)}/npm`,
    pypi: `${origin(main)}/pypi`,
    files: origin(files),
    go: `${origin(main)}/go`,
    sumdb: origin(sumdb),
    apt: `${origin(main)}/apt`,
  };
  const composerUrls = {
    root: `${origin(main)}/composer`,
    site: origin(site),
    satis: `${origin(main)}/satis`,
    code: origin(code),
    download: origin(download),
  };
  composer.place({ ...composerUrls, elsewhere: urls.files });
  codeHost.download = composerUrls.download;
  npm.base = urls.npm;
  pypi.base = urls.pypi;
  pypi.files = urls.files;

  const off = async () => {
    await Promise.all(all.map((listening) => listening.close()));
  };
  return {
    npm,
    pypi,
    go,
    apt,
    composer,
    urls,
    composerUrls,
    requests,
    paths: () => requests.map((request) => request.target.replace(/\?.*$/, "")),
    fault(pattern, kind, argument) {
      faults = [
        { pattern: typeof pattern === "string" ? glob(pattern) : pattern, kind, argument },
        ...faults,
      ];
    },
    clear() {
      faults = [];
    },
    off,
    async on() {
      await Promise.all(all.map((listening) => listening.open()));
    },
    async stop() {
      await off();
      apt.remove();
    },
  };
}

/** What was said, decompressed: so that a test can look for what must not be said. */
function bodyOf(asked: Asked): string {
  const packed = asked.headers["content-encoding"] === "gzip";
  return (packed ? gunzipSync(asked.body) : asked.body).toString("latin1");
}

/** A path with `*` for anything. */
export function glob(pattern: string): RegExp {
  return new RegExp(
    `^${pattern
      .split("*")
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
    "i",
  );
}

const LOGIN =
  '<!DOCTYPE html>\n<html><head><title>Sign in to the harbour network</title></head><body><form action="/login"><input name="password"></form></body></html>\n';

function spoil(fault: Fault, answer: () => Said): Said {
  switch (fault.kind) {
    case "status":
      return text(Number(fault.argument), `status ${fault.argument} on demand\n`);
    case "redirect":
      return { status: 302, headers: { location: String(fault.argument) }, body: Buffer.alloc(0) };
    case "login":
      return text(200, LOGIN, "text/html; charset=utf-8");
    case "empty":
      return { ...answer(), body: Buffer.alloc(0) };
    case "part":
      return part(answer());
    case "coding":
      return coded(answer(), String(fault.argument));
    case "cut":
      return cut(answer());
    case "flip":
      return flip(answer());
    default:
      return { ...answer(), wire: fault.kind };
  }
}

function part({ headers, body }: Said): Said {
  const half = body.subarray(0, Math.floor(body.length / 2));
  const range = `bytes 0-${half.length - 1}/${body.length}`;
  return { status: 206, headers: { ...headers, "content-range": range }, body: half };
}

function coded(said: Said, coding: string): Said {
  return { ...said, headers: { ...said.headers, "content-encoding": coding } };
}

function cut(said: Said): Said {
  const isGzip = said.body[0] === 0x1f && said.body[1] === 0x8b;
  const whole = isGzip ? said.body : gzipSync(said.body);
  return coded({ ...said, body: whole.subarray(0, Math.floor(whole.length / 2)) }, "gzip");
}

/** One bit in the middle: the length stays, the digest does not. */
function flip(said: Said): Said {
  const body = Buffer.from(said.body);
  const middle = Math.floor(body.length / 2);
  if (body.length) body[middle] = body[middle]! ^ 1;
  return { ...said, body };
}
