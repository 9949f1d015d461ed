import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

// With real processes: a server, and commands beside it.

const folder = mkdtempSync(join(tmpdir(), "holdfast-errands-"));
afterAll(() => rmSync(folder, { recursive: true }));

const script = join(import.meta.dir, "testtoy.ts");

/** A process of the toy's command line; `until` waits for something in what it prints. */
function start(...argv: string[]) {
  const child = Bun.spawn([process.execPath, script, ...argv], { stdout: "pipe", stderr: "pipe" });
  let printed = "";
  const waiting = new Set<() => void>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      printed += Buffer.from(chunk).toString();
      for (const look of waiting) look();
    }
  };
  const ended = Promise.all([read(child.stdout), read(child.stderr), child.exited]);
  return {
    child,
    until(wanted: string) {
      return new Promise<string>((resolve, reject) => {
        const look = () => {
          if (printed.includes(wanted)) resolve(printed);
        };
        waiting.add(look);
        look();
        ended.then(() => reject(new Error(`it ended without "${wanted}":\n${printed}`)));
      });
    },
    async end(signal?: NodeJS.Signals) {
      if (signal) child.kill(signal);
      const [, , code] = await ended;
      return { code, printed };
    },
  };
}

/** A data directory, and what each command line needs to work on it. */
function place(options = "") {
  const home = mkdtempSync(join(folder, "place-"));
  const config = join(home, "holdfast.yaml");
  writeFileSync(
    config,
    `listen: 127.0.0.1:0\nrepositories: { one: { format: toy, offline: true, ${options} } }\n`,
  );
  const data = join(home, "data");
  const flags = ["--config", config, "--data", data];
  const play = (...more: string[]) => start("toy", "run", "one", ...flags, ...more);
  const serve = () => start("serve", ...flags);
  const gc = (...more: string[]) => start("gc", ...flags, ...more);
  const unpin = (...more: string[]) => start("unpin", ...more, ...flags);
  return { data, socket: join(data, "control.sock"), play, serve, gc, unpin };
}

test("a running server does it, one at a time, and lets go when its person does", async () => {
  const { socket, play, serve } = place();
  const server = serve();
  await server.until("serves on");
  expect(await server.until("is a toy")).toContain(
    '"level":"warn","msg":"The repository one is a toy"',
  );
  expect(statSync(socket).mode & 0o777).toBe(0o600);

  const good = await play().end();
  expect(good).toEqual({ code: 0, printed: `The toy plays in ${server.child.pid}\n` });
  expect((await play("--short").end()).code).toBe(1);
  expect(await play("--refuse").end()).toEqual({
    code: 1,
    printed: "holdfast toy run: The toy refuses\n",
  });

  const first = play("--hang");
  await first.until("plays in");
  const second = await play().end();
  expect(second.code).toBe(1);
  expect(second.printed).toContain("toy run runs on one already, since ");
  expect(await first.end("SIGINT")).toEqual({
    code: 1,
    printed: `The toy plays in ${server.child.pid}\nSIGINT: stopping; once more stops at once\nStopped before the end.\n`,
  });
  await server.until("toy run of one was stopped");
  expect((await play().end()).code).toBe(0);

  const last = play("--hang");
  await last.until("plays in");
  const { code, printed } = await server.end("SIGTERM");
  expect(code).toBe(0);
  expect(printed.match(/"msg":"toy run of one [a-z ]+"/g)!.slice(0, 4)).toEqual([
    '"msg":"toy run of one starts"',
    '"msg":"toy run of one is done"',
    '"msg":"toy run of one starts"',
    '"msg":"toy run of one is not complete"',
  ]);
  expect(existsSync(socket)).toBe(false);
  const end = await last.end();
  expect(end.code).toBe(1);
  expect(end.printed).toContain("holdfast toy run: toy run of one was stopped\n");
}, 30_000);

test("a server that was killed leaves a socket that misleads no one", async () => {
  const { socket, play, serve } = place();
  const first = serve();
  await first.until("serves on");
  await first.end("SIGKILL");
  expect(existsSync(socket)).toBe(true);
  const alone = play();
  expect((await alone.end()).printed).toBe(`The toy plays in ${alone.child.pid}\n`);
  const second = serve();
  await second.until("serves on");
  expect((await play().end()).printed).toBe(`The toy plays in ${second.child.pid}\n`);
  expect((await second.end("SIGTERM")).code).toBe(0);
}, 30_000);

test("without a server a command does it itself, and another one is told that it must wait", async () => {
  const { data, socket, play } = place();
  const first = play("--hang");
  expect(await first.until("plays in")).toContain(String(first.child.pid));
  expect(existsSync(socket)).toBe(false);
  const second = await play().end();
  expect(second).toEqual({
    code: 1,
    printed: expect.stringMatching(
      new RegExp(
        `Holdfast is running on the data directory ${data}: process ${first.child.pid}, since .* UTC .another command, or a server that is just`,
      ),
    ),
  });
  const { code, printed } = await first.end("SIGTERM");
  expect(code).toBe(1);
  expect(printed).toEndWith(
    "SIGTERM: stopping; once more stops at once\nStopped before the end.\n",
  );
  expect((await play().end()).code).toBe(0);
}, 30_000);

test("what keeps a server from starting is told in its own words", async () => {
  const { data, play } = place();
  expect((await play().end()).code).toBe(0);
  const left = { state: "left", other: "postgres://db.example.com/x", at: "2026-01-02T00:00:00Z" };
  writeFileSync(join(data, "move.json"), JSON.stringify(left));
  expect(await play().end()).toEqual({
    code: 1,
    printed: `holdfast toy run: What was in ${data} was moved to postgres://db.example.com/x on 2026-01-02: the configuration must name that. docs/scale.md says what brings it back\n`,
  });
}, 30_000);

test("gauges of a format stand in the metrics", async () => {
  const { serve } = place();
  const server = serve();
  const told = await server.until("serves on");
  const url = /serves on (http:[^"]+)/.exec(told)![1];
  const metrics = await (await fetch(`${url}/-/metrics`)).text();
  expect(metrics).toContain('\nholdfast_toy_size{repository="one",part="wheel"} 4\n');
  expect((await server.end("SIGTERM")).code).toBe(0);
}, 30_000);

test("the running server collects the garbage when a command asks for it, and a command does it alone", async () => {
  const { data, gc, serve } = place();
  const orphan = join(data, "blobs", "sha256", "ab", "c".repeat(62));
  const leave = () => {
    mkdirSync(dirname(orphan), { recursive: true });
    writeFileSync(orphan, "left by a crash");
    utimesSync(orphan, new Date(0), new Date(0));
  };
  expect((await gc().end()).printed).toContain("There is no data directory");
  const server = serve();
  await server.until("serves on");
  leave();
  const counted = await gc("--dry-run").end();
  expect(counted.printed).toBe("Would remove 1 unreferenced file and 0 old views: 15 B.\n");
  expect(existsSync(orphan)).toBe(true);
  const removed = "Removed 1 unreferenced file and 0 old views: 15 B.\n";
  expect(await gc().end()).toEqual({ code: 0, printed: removed });
  expect(existsSync(orphan)).toBe(false);
  await server.end("SIGTERM");
  leave();
  expect(await gc().end()).toEqual({ code: 0, printed: removed });
}, 30_000);

test("a pin is taken back by the server that runs, and without one by the command; both in writing", async () => {
  const { data, serve, unpin } = place();
  const server = serve();
  await server.until("serves on");
  const pinned = (file: string) => {
    const catalog = new Database(join(data, "holdfast.db"));
    catalog.run("PRAGMA busy_timeout = 5000");
    catalog.run(
      "INSERT INTO pins (repository, package, file, sha256, size, first_seen, upstream) VALUES ('one', 'a', ?, 'aa', 1, 1, 'up')",
      [file],
    );
    catalog.close();
  };
  pinned("b.tgz");
  const args = ["one", "a", "b.tgz", "--reason", "it was a page"];
  expect(await unpin("one", "a", "b.tgz").end()).toMatchObject({ code: 2 });
  expect(await unpin("two", ...args.slice(1)).end()).toMatchObject({ code: 2 });
  const wrong = await unpin("one", "a", "c.tgz", "--reason", "none").end();
  expect([wrong.code, wrong.printed]).toEqual([1, expect.stringContaining("pinned are: b.tgz")]);
  expect(await unpin(...args).end()).toEqual({
    code: 0,
    printed: expect.stringContaining("no longer pinned to aa"),
  });
  pinned("d.tgz");
  await server.end("SIGTERM");
  expect(await unpin("one", "a", "d.tgz", "--reason", "once more").end()).toMatchObject({
    code: 0,
  });
  const catalog = new Database(join(data, "holdfast.db"), { readonly: true });
  expect(catalog.query("SELECT * FROM pins").all()).toEqual([]);
  expect(catalog.query("SELECT file, reason, by, sha256 FROM unpinned").all()).toEqual([
    { file: "b.tgz", reason: "it was a page", by: expect.any(String), sha256: "aa" },
    { file: "d.tgz", reason: "once more", by: expect.any(String), sha256: "aa" },
  ]);
  expect(catalog.query("SELECT kind, file FROM events").all()).toEqual([
    { kind: "unpinned", file: "b.tgz" },
    { kind: "unpinned", file: "d.tgz" },
  ]);
  catalog.close();
}, 30_000);
