import { afterAll, expect, test } from "bun:test";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { createBodies } from "./bodies.ts";
import { startServer } from "./server.ts";

const home = tempFolder("socket-file");
afterAll(() => removeTemp(home));
const bodies = createBodies({ memory: 1 << 20, silenceMs: 1000, timeMs: 1000 });

function serve(path: string, trustedProxies: string[] = [], mode = 0o640) {
  return startServer({
    hostname: `unix:${path}`,
    port: 0,
    socket: { path, mode },
    publicUrl: null,
    trustedProxies,
    bodies,
    handle: ({ origin, address, client }) =>
      ({ response: new Response(`${origin} ${address} ${client}`) }) as never,
  });
}

async function ask(path: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await fetch("http://localhost/", { unix: path, headers } as RequestInit);
  return answer.text();
}

test("a socket file has its mode, answers, and is gone when the server stops", async () => {
  const path = join(home, "one.sock");
  const server = serve(path);
  expect(server.hostname).toBe(`unix:${path}`);
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(await ask(path)).toBe("http://localhost unix: unix:");
  await server.stop(0);
  expect(existsSync(path)).toBe(false);
});

test("what is forwarded through it is believed where unix: is trusted, and nowhere else", async () => {
  const path = join(home, "two.sock");
  const forwarded = {
    "x-forwarded-for": "203.0.113.7, 192.0.2.9",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "public.example.com",
  };
  for (const [trusted, want] of [
    [[], "http://localhost unix: unix:"],
    [["127.0.0.1"], "http://localhost unix: unix:"],
    [["unix:"], "https://public.example.com 192.0.2.9 192.0.2.9"],
    [["unix:", "192.0.2.0/24"], "https://public.example.com 203.0.113.7 203.0.113.7"],
  ] as const) {
    const server = serve(path, [...trusted]);
    expect([trusted, await ask(path, forwarded)]).toEqual([trusted, want]);
    await server.stop(0);
  }
});

test("one that a killed server left is taken over, one in use and any other file are not", async () => {
  const path = join(home, "three.sock");
  const script = `Bun.serve({ unix: ${JSON.stringify(path)}, fetch: () => new Response() }); console.log("up")`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  for await (const _ of child.stdout) break; // it says that it is up
  expect(() => serve(path)).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
  child.kill("SIGKILL");
  await child.exited;
  expect(existsSync(path)).toBe(true);
  const server = serve(path);
  expect(await ask(path)).toContain("localhost");
  await server.stop(0);

  writeFileSync(path, "precious");
  expect(() => serve(path)).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
  expect(() => serve(join(home, "none", "x.sock"))).toThrow();
});
