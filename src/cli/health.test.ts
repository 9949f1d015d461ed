import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import { removeTemp, tempFolder } from "../../test/support/temp.ts";
import { formats } from "../formats/index.ts";
import { healthCommand } from "./health.ts";
import { runCli } from "./index.ts";
import { fakeTerminal } from "./testing.ts";

const home = tempFolder("health");
afterAll(() => removeTemp(home));

async function health(listen: string) {
  const terminal = fakeTerminal();
  const code = await runCli(["health", "--listen", listen], [healthCommand({ formats })], terminal);
  return { code, ...terminal.printed };
}

const answer = (status: number) => (request: Request) =>
  new Response(new URL(request.url).pathname === "/-/health/ready" ? "told\n" : "", { status });

test("a server that is ready, one that is not, and none", async () => {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer(200) });
  const where = `127.0.0.1:${server.port}`;
  expect(await health(where)).toEqual({ code: 0, out: `${where}: told\n`, err: "" });
  expect((await health(`0.0.0.0:${server.port}`)).code).toBe(0);
  server.reload({ fetch: answer(503) });
  expect(await health(where)).toEqual({ code: 1, out: "", err: `${where} answers 503: told\n` });
  await server.stop(true);
  const gone = await health(where);
  expect([gone.code, gone.out, gone.err]).toEqual([
    1,
    "",
    expect.stringContaining("does not answer"),
  ]);
});

test("through a socket file", async () => {
  const path = join(home, "s.sock");
  const server = Bun.serve({ unix: path, fetch: answer(200) });
  expect((await health(`unix:${path}`)).code).toBe(0);
  await server.stop(true);
  expect((await health(`unix:${path}`)).code).toBe(1);
});
