import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "../core/problem.ts";
import {
  askControl,
  type ControlServer,
  controlPath,
  type Operate,
  startControl,
} from "./control.ts";

const folder = mkdtempSync(join(tmpdir(), "holdfast-control-"));
afterAll(() => rmSync(folder, { recursive: true }));

const wanted = { name: "mirror run", repository: "deb", flags: new Set(["force", "dry-run"]) };

/** Serves `operate` on a socket of its own for as long as `use` takes. */
async function serving(
  operate: Operate,
  use: (path: string, server: ControlServer) => Promise<void>,
  data = mkdtempSync(join(folder, "data-")),
): Promise<unknown[]> {
  const failures: unknown[] = [];
  const server = startControl(controlPath(data), operate, (error) => failures.push(error));
  try {
    await use(controlPath(data), server);
  } finally {
    await server.stop(0);
  }
  return failures;
}

/** Asks, and keeps what it is told. */
async function ask(path: string, signal = new AbortController().signal) {
  const told: unknown[] = [];
  const result = await askControl(path, wanted, {
    progress: (...progress) => told.push(progress),
    say: (line) => told.push(line),
    signal,
  });
  return { told, result };
}

test("what an operation tells arrives, and how it ended", async () => {
  const seen: unknown[] = [];
  const operate: Operate = async ({ name, repository, flags }, { progress, say }) => {
    seen.push([name, repository, [...flags]]);
    say("begins with – “ünicode”");
    progress(2, 2, "hello_1.0_amd64.deb");
    return false;
  };
  await serving(operate, async (path) => {
    expect(await ask(path)).toEqual({
      told: ["begins with – “ünicode”", [2, 2, "hello_1.0_amd64.deb"]],
      result: false,
    });
  });
  expect(seen).toEqual([["mirror run", "deb", ["force", "dry-run"]]]);
});

test("a flood of progress is thinned out, and its end is told", async () => {
  const operate: Operate = async (_wanted, { progress }) => {
    for (let done = 0; done <= 100_000; done++) progress(done, 100_000, "");
    return true;
  };
  await serving(operate, async (path) => {
    const { told } = await ask(path);
    expect(told.length).toBeLessThan(100);
    expect(told.at(-1)).toEqual([100_000, 100_000, ""]);
  });
});

test("a Problem arrives as what it is, and of a bug nothing but that there was one", async () => {
  const problem = new Problem("conflict", "mirror run runs on deb already");
  await serving(
    () => Promise.reject(problem),
    async (path) => {
      await expect(ask(path)).rejects.toMatchObject({ kind: "conflict", message: problem.message });
    },
  );
  const bug = new TypeError("secret is not a function");
  const failures = await serving(
    () => Promise.reject(bug),
    async (path) => {
      await expect(ask(path)).rejects.toMatchObject({
        kind: "internal",
        message: "Internal error; its cause is in the server's log",
      });
    },
  );
  expect(failures).toEqual([bug]);
});

test("who goes away aborts the operation", async () => {
  const [began, aborted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const operate: Operate = async (_wanted, { say, signal }) => {
    say("begins");
    began.resolve();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    aborted.resolve();
    throw signal.reason;
  };
  const failures = await serving(operate, async (path) => {
    const person = new AbortController();
    const asked = ask(path, person.signal);
    asked.catch(() => null);
    await began.promise;
    person.abort();
    await expect(asked).rejects.toThrow();
    await aborted.promise;
  });
  expect(failures).toEqual([]);
});

test("a server that goes away in the middle is told", async () => {
  const began = Promise.withResolvers<void>();
  const operate: Operate = async (_wanted, { signal }) => {
    began.resolve();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return false;
  };
  await serving(operate, async (path, server) => {
    const asked = ask(path);
    asked.catch(() => null);
    await began.promise;
    await server.stop(0);
    await expect(asked).rejects.toThrow("The server went away before the end");
  });
});

test("the socket is its user's alone, and goes with the server", async () => {
  let path = "";
  await serving(
    async () => true,
    async (at) => {
      path = at;
      expect(statSync(path).isSocket()).toBe(true);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    },
  );
  expect(existsSync(path)).toBe(false);
  expect(
    await askControl(path, wanted, { progress() {}, say() {}, signal: AbortSignal.any([]) }),
  ).toBeNull();
});

test("what was left there is replaced, also a file", async () => {
  const data = mkdtempSync(join(folder, "data-"));
  writeFileSync(controlPath(data), "left");
  await serving(
    async () => true,
    async (path) => {
      expect((await ask(path)).result).toBe(true);
    },
    data,
  );
});

test.if(process.platform === "linux")(
  "a path longer than the system's sockets take works",
  async () => {
    const data = join(mkdtempSync(join(folder, "data-")), "d".repeat(200));
    mkdirSync(data);
    await serving(
      async () => true,
      async (path) => {
        expect((await ask(path)).result).toBe(true);
      },
      data,
    );
  },
);

const strange: [what: string, path: string, init: RequestInit, status: number][] = [
  ["another path", "/", { method: "POST", body: "{}" }, 404],
  ["another method", "/operations", {}, 404],
  ["no JSON", "/operations", { method: "POST", body: "{" }, 400],
  ["no name", "/operations", { method: "POST", body: '{"repository":"a","flags":[]}' }, 400],
  [
    "flags of another kind",
    "/operations",
    { method: "POST", body: '{"name":"a b","repository":"a","flags":[1]}' },
    400,
  ],
];
for (const [what, path, init, status] of strange)
  test(`${what} is refused`, () =>
    serving(
      async () => true,
      async (unix) => {
        const response = await fetch(`http://localhost${path}`, { ...init, unix });
        expect([response.status, response.headers.get("content-type")]).toEqual([
          status,
          "text/plain;charset=utf-8",
        ]);
      },
    ).then((failures) => expect(failures).toEqual([])));
