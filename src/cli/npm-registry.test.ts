// What a registry answers that is neither a yes nor a no to what is brought to it.
import { expect, test } from "bun:test";
import { Problem } from "../core/problem.ts";
import { npmRegistry } from "./npm-registry.ts";

async function told(answer: () => Response): Promise<string> {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  try {
    return JSON.stringify(await npmRegistry(`http://127.0.0.1:${server.port}`, "t").tags("kelp"));
  } catch (error) {
    return error instanceof Problem ? `${error.kind}: ${error.message}` : `a bug: ${error}`;
  } finally {
    server.stop(true);
  }
}

const answers: [answer: () => Response, want: RegExp][] = [
  [() => Response.json({ latest: "1.0.0" }), /^{"latest":"1.0.0"}$/],
  [() => new Response("", { status: 404 }), /^null$/],
  [() => Response.json({ error: "no" }, { status: 401 }), /^unauthenticated: no$/],
  [() => Response.json({ error: "no" }, { status: 403 }), /^forbidden: no$/],
  [() => new Response("", { status: 503 }), /^unreachable: .* answered 503$/],
  [() => Response.json({ error: "full" }, { status: 502 }), /^unreachable: full$/],
  [() => new Response("<html>"), /^malformed: .* answers with what is no JSON$/],
];
for (const [answer, want] of answers)
  test(`an answer is told as ${want}`, async () => {
    expect(await told(answer)).toMatch(want);
  });

test("a registry that is not there is told in words", async () => {
  const problem = await npmRegistry("http://127.0.0.1:9", "t")
    .tags("kelp")
    .catch((error: Error) => error.message);
  expect(problem).toBe("http://127.0.0.1:9 does not answer: refused the connection");
});
