// One bad path, a moment's trouble, and a real outage: told apart, whoever asks how often.
import { afterEach, expect, test } from "bun:test";
import { closeAll, failure, http, listen, opened, putOut, serve, setUp, text } from "./testkit.ts";

afterEach(closeAll);

const pathOf = (head: string) => head.split(" ")[1]!;
const count = (heads: string[], path: string) =>
  heads.filter((head) => pathOf(head) === path).length;

const misbehaviours: Record<string, string> = {
  "500": http(500),
  "503": http(503),
  "short body": "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\nshort",
};
for (const [what, answer] of Object.entries(misbehaviours))
  test(`${what} on the paths that one client asks for cuts nobody else off`, async () => {
    const server = opened(
      await listen((socket, head) => {
        if (!pathOf(head).startsWith("/bad")) return socket.write(http(200, "good"));
        socket.write(answer);
        return answer.includes("close") && socket.end();
      }),
    );
    const { upstream, clock } = setUp({ url: server.url });
    await text(await upstream.fetch({ path: "good" }));
    for (let at = 0; at < 90; at++) {
      clock.ms += 33;
      expect(await failure(upstream, { path: `bad/${at % 45}` })).not.toStartWith("answered 200");
      expect(upstream.unavailable()).toBeNull();
    }
    expect(await text(await upstream.fetch({ path: "other" }))).toBe("good");
    expect(upstream.states()[0]?.state).toBe("closed");
  });

test("a bad path is not hammered", async () => {
  const server = opened(await serve(() => http(500)));
  const { upstream, clock } = setUp({ url: server.url });
  for (let at = 0; at < 30 * 30; at++) {
    clock.ms += 33;
    await failure(upstream, { path: "bad" });
  }
  expect(count(server.heads, "/bad")).toBeLessThan(7);
});

test("a path that is good again is so at once, and its trouble is forgotten", async () => {
  let status = 500;
  const server = opened(await serve(() => http(status, "x")));
  const { upstream, clock } = setUp({ url: server.url });
  await failure(upstream, { path: "a" });
  status = 200;
  clock.ms += 1_000;
  for (let at = 0; at < 2; at++) expect(await text(await upstream.fetch({ path: "a" }))).toBe("x");
  status = 500;
  await failure(upstream, { path: "a" });
  clock.ms += 1_000;
  expect(await failure(upstream, { path: "a" })).toEndWith(": answered 500");
});

for (const what of ["502", "reset"])
  test(`an origin that is dead behind its proxy (${what}) is noticed, and so is its return`, async () => {
    let healthy = true;
    const heads: string[] = [];
    const server = opened(
      await listen((socket, head) => {
        heads.push(head);
        if (healthy) socket.write(http(200, "good"));
        else if (what === "502") socket.write(http(502));
        else socket.destroy();
      }),
    );
    const { upstream, clock } = setUp({ url: server.url });
    await text(await upstream.fetch({ path: "good" }));
    healthy = false;
    heads.length = 0;
    await putOut(upstream);
    expect(count(heads, "/good")).toBeGreaterThan(0); // what it is known to have was asked for
    expect(await failure(upstream, { path: "a" })).toEndWith("; asked again in 1 s");
    healthy = true;
    heads.length = 0;
    clock.ms += 1_000;
    expect(await text(await upstream.fetch({ path: "a" }))).toBe("good");
    expect(heads.map(pathOf)).toEqual(["/good", "/a"]);
    expect(upstream.states()[0]?.state).toBe("closed");
  });

test("a bad path does not keep an origin closed that answers again", async () => {
  let healthy = false;
  const server = opened(
    await serve((path) => http(healthy && path !== "/bad" ? 200 : 503, "good")),
  );
  const { upstream, clock } = setUp({ url: server.url });
  healthy = true;
  await text(await upstream.fetch({ path: "good" }));
  healthy = false;
  await putOut(upstream);
  healthy = true;
  clock.ms += 1_000;
  expect(await failure(upstream, { path: "bad" })).toEndWith(": answered 503");
  expect(await text(await upstream.fetch({ path: "good" }))).toBe("good");
});

test("a probe carries the credentials", async () => {
  let healthy = true;
  const server = opened(await serve(() => http(healthy ? 200 : 503)));
  const { upstream } = setUp({ url: server.url, token: "t0ken" });
  await text(await upstream.fetch({ path: "good" }));
  healthy = false;
  server.heads.length = 0;
  await putOut(upstream);
  const probe = server.heads.find((head) => pathOf(head) === "/good")!;
  expect(probe).toMatch(/^authorization: bearer t0ken\r$/im);
});

/** Fails so many times in some way, then answers. */
async function recovering(times: number, fail: string) {
  let left = times;
  const heads: string[] = [];
  const server = opened(
    await listen((socket, head) => {
      heads.push(head);
      if (left-- <= 0) socket.write(http(200, "back"));
      else if (fail) socket.write(fail);
      else socket.destroy();
    }),
  );
  return { url: server.url, heads };
}

for (const [what, fail] of [
  ["503", http(503)],
  ["429 that asks to wait no second", http(429, "", { "retry-after": "0" })],
  ["502", http(502)],
  ["reset", ""],
] as const)
  test(`${what} that passes is not noticed`, async () => {
    const { url, heads } = await recovering(2, fail);
    const { upstream, lines } = setUp({ url, retryMs: 60_000 });
    expect(await text(await upstream.fetch({ path: "a" }))).toBe("back");
    expect(heads).toHaveLength(3);
    expect([upstream.unavailable(), lines]).toEqual([null, []]);
  });

test("a POST is sent again after 503 and 429 alone", async () => {
  const post = { path: "a", method: "POST", body: "x" } as const;
  for (const status of [503, 429]) {
    const { url, heads } = await recovering(1, http(status));
    const { upstream } = setUp({ url, retryMs: 60_000 });
    expect(await text(await upstream.fetch(post))).toBe("back");
    expect(heads.map((head) => head.split("\r\n\r\n")[1])).toEqual(["x", "x"]);
  }
  for (const fail of [http(500), http(502), ""]) {
    const { url, heads } = await recovering(1, fail);
    await failure(setUp({ url, retryMs: 60_000 }).upstream, post);
    expect(heads).toHaveLength(1);
  }
});

test("who asks to be left alone for longer than anybody waits is left alone at once", async () => {
  const { url, heads } = await recovering(1, http(429, "", { "retry-after": "3600" }));
  const { upstream } = setUp({ url, retryMs: 60_000 });
  expect(await failure(upstream, { path: "a" })).toEndWith(": answered 429");
  expect(heads).toHaveLength(1);
  const long = await recovering(1, http(503, "", { "retry-after": "1" }));
  const patient = setUp({ url: long.url });
  expect(await text(await patient.upstream.fetch({ path: "a", patienceMs: 60_000 }))).toBe("back");
});

test("a failure that does not pass is not tried again, nor what failed the last time", async () => {
  for (const fail of [http(501), "SSH-2.0-OpenSSH\r\n\r\n"]) {
    const { url, heads } = await recovering(1, fail);
    await failure(setUp({ url, retryMs: 60_000 }).upstream, { path: "a" });
    expect(heads).toHaveLength(1);
  }
  const server = opened(await serve(() => http(503)));
  const { upstream, clock } = setUp({ url: server.url });
  await failure(upstream, { path: "a" });
  clock.ms += 1_000;
  await failure(upstream, { path: "a", patienceMs: 600_000 });
  expect(server.heads).toHaveLength(2);
});

test("nothing is tried again past the caller's signal, and waiting takes no place", async () => {
  const asked = Promise.withResolvers<void>();
  const server = opened(
    await serve((path) => {
      if (path === "/good") return http(200, "good");
      asked.resolve();
      return http(503, "", { "retry-after": "30" });
    }),
  );
  const { upstream } = setUp({ url: server.url, connections: 1, retryMs: 60_000 });
  const abort = new AbortController();
  const failing = upstream.fetch({ path: "bad", signal: abort.signal }).catch((error) => error);
  await asked.promise;
  expect(await text(await upstream.fetch({ path: "good" }))).toBe("good");
  abort.abort(new Error("gone"));
  expect(await failing).toEqual(new Error("gone"));
  expect(count(server.heads, "/bad")).toBe(1);
});

test("the second upstream takes no time of its own to try again", async () => {
  let clock = { ms: 0 };
  const first = opened(
    await serve(() => {
      if (first.heads.length === 2) clock.ms += 600;
      return http(503);
    }),
  );
  const second = opened(await serve(() => http(503)));
  const world = setUp([first, second].map(({ url }) => ({ url, retryMs: 600 })));
  clock = world.clock;
  await failure(world.upstream, { path: "a" });
  expect([first.heads.length, second.heads.length]).toEqual([2, 1]);
});
