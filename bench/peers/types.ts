// What the measurements know of a server under test: how to install it, start it, and which URLs its clients use.
import type { Server } from "../lib/process.ts";
import type { Upstreams } from "../lib/upstream.ts";

export type FormatName = "npm" | "pypi" | "go" | "apt" | "composer";

/** Client settings, without a trailing slash: the npm registry, the simple index, the GOPROXY, what stands in sources.list, the Composer repository. */
export type Urls = Partial<Record<FormatName, string>>;

export interface Running extends Server {
  urls: Urls;
}

export interface StartOptions {
  /** Seconds for which a document is served without asking the upstream, where the peer lets that be set. */
  freshness: number;
}

/** Somebody who may publish and read private packages of one server. */
export interface Publisher {
  /** Where packages are put or posted, without a trailing slash for npm, as it stands for PyPI. */
  url: string;
  /** Where clients install from, without a trailing slash. */
  index: string;
  /** As an HTTP header: a token, where the server has tokens. */
  authorization: string;
  name: string;
  /** With `name` as Basic credentials. */
  password: string;
}

/** A server whose packages under `CLAIMS` (lib/private-packages.ts) are for its publisher alone, where that can be had. */
export interface RunningPrivate extends Server {
  publishers: Partial<Record<FormatName, Publisher>>;
}

export interface Peer {
  /** As in tables and in --only. */
  name: string;
  formats: FormatName[];
  /** Makes it runnable; does nothing when it is. Returns its version. Throws when it cannot be installed. */
  install(): Promise<string>;
  /** Starts it on a free port with its data in `folder`, which may hold the data of an earlier start. */
  start(upstreams: Upstreams, folder: string, options: StartOptions): Promise<Running>;
  /** The same with an account, for those that host packages of their own; `folder` is empty. */
  startPrivate?(
    upstreams: Upstreams,
    folder: string,
    options?: { /** Everybody may read them. */ isOpen: boolean },
  ): Promise<RunningPrivate>;
}
