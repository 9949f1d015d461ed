// For tests: repositories made with the real git, and served from their folder or by git's own HTTP program.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface TestRepository {
  /** Its working folder. */
  readonly folder: string;
  /** file://… */
  readonly url: string;
  git(...args: string[]): string;
  /** Writes files (null removes one, a target after "-> " makes a link) and commits them; each commit a minute after the last. */
  commit(files: Readonly<Record<string, string | Buffer | null>>, message?: string): string;
  tag(name: string, commit?: string): void;
  remove(): void;
}

const START = Date.UTC(2024, 0, 2, 3, 4, 5) / 1000;

/** An empty repository with the branch `main`. `folder`: where it is to be; a folder of its own otherwise. */
export function makeRepository(folder?: string, options: string[] = []): TestRepository {
  const at = folder ?? mkdtempSync(join(tmpdir(), "holdfast-git-"));
  mkdirSync(at, { recursive: true });
  let commits = 0;
  const git = (...args: string[]): string => {
    const date = `${START + commits * 60} +0100`;
    const env = {
      PATH: process.env["PATH"]!,
      HOME: "/nonexistent",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "Ann",
      GIT_AUTHOR_EMAIL: "ann@example.com",
      GIT_COMMITTER_NAME: "Ann",
      GIT_COMMITTER_EMAIL: "ann@example.com",
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_DATE: date,
      GIT_ALLOW_PROTOCOL: "file",
    };
    return execFileSync("git", args, { cwd: at, env, stdio: ["ignore", "pipe", "pipe"] })
      .toString()
      .trim();
  };
  git("init", "--quiet", "--initial-branch=main", ...options);
  git("config", "uploadpack.allowAnySHA1InWant", "true");
  return {
    folder: at,
    url: `file://${at}`,
    git,
    commit(files, message = "A change") {
      for (const [name, content] of Object.entries(files)) {
        const path = join(at, name);
        mkdirSync(dirname(path), { recursive: true });
        rmSync(path, { force: true });
        if (typeof content === "string" && content.startsWith("-> "))
          symlinkSync(content.slice(3), path);
        else if (content !== null) writeFileSync(path, content);
      }
      commits += 1;
      git("add", "--all", "--force");
      git("-c", "core.autocrlf=false", "commit", "--quiet", "--allow-empty", "--message", message);
      return git("rev-parse", "HEAD");
    },
    tag(name, commit = "HEAD") {
      git("tag", "--force", name, commit);
    },
    remove: () => rmSync(at, { recursive: true, force: true }),
  };
}

export interface GitServer {
  /** https://localhost:… */
  readonly url: string;
  /** The Authorization header of each request. */
  readonly seen: (string | null)[];
  stop(): Promise<void>;
}

/** Serves the repositories below a folder with `git http-backend`, to who sends this login. `answer` may answer in its place. */
export function serveGit(
  folder: string,
  tls: { certificate: string; key: string },
  login: string,
  answer: (request: Request) => Response | null = () => null,
): GitServer {
  const seen: (string | null)[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: tls.certificate, key: tls.key },
    async fetch(request) {
      const authorization = request.headers.get("authorization");
      seen.push(authorization);
      const own = answer(request);
      if (own) return own;
      if (authorization !== `Basic ${Buffer.from(login).toString("base64")}`)
        return new Response("who?", { status: 401, headers: { "www-authenticate": "Basic" } });
      return backend(folder, request);
    },
  });
  return { url: `https://127.0.0.1:${server.port}`, seen, stop: () => server.stop(true) };
}

async function backend(folder: string, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const program = Bun.spawn(["git", "http-backend"], {
    env: {
      PATH: process.env["PATH"]!,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers.get("content-type") ?? "",
      GIT_PROTOCOL: request.headers.get("git-protocol") ?? "",
      HTTP_CONTENT_ENCODING: request.headers.get("content-encoding") ?? "",
    },
    stdin: new Uint8Array(await request.arrayBuffer()),
    stdout: "pipe",
    stderr: "ignore",
  });
  const said = Buffer.from(await new Response(program.stdout).arrayBuffer());
  const at = said.indexOf("\r\n\r\n");
  const headers = new Headers();
  let status = 200;
  for (const line of said.subarray(0, at).toString().split("\r\n")) {
    const [, name = "", value = ""] = /^([^:]+): *(.*)$/.exec(line) ?? [];
    if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
    else if (name) headers.append(name, value);
  }
  return new Response(said.subarray(at + 4), { status, headers });
}
