// Numbers over time survive `kill -9`: what was written before it is there, and nothing is counted twice.
import { expect, test } from "bun:test";
import { startProcess } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";

const ASKED = 25;

test("what was written before a kill is there after it, once", async () => {
  const server = await startProcess({ config: "offline: true\n" });
  const requests = async (): Promise<number> => {
    const answer = await fetch(`${server.url}/-/api/v1/traffic?range=1h&repository=npm`);
    const { repositories } = (await answer.json()) as {
      repositories: { requests: number }[];
    };
    return repositories.at(-1)!.requests;
  };
  try {
    for (let round = 1; round <= 2; round += 1) {
      for (let nth = 0; nth < ASKED; nth += 1)
        await (await fetch(`${server.url}/npm/none-${nth}`)).text();
      await waitFor(
        async () => (await requests()) === round * ASKED,
        () => "nothing is written down",
        90_000,
      );
      const dead = await server.kill();
      if (server.nodes.length > 1) expect(await requests()).toBe(round * ASKED); // by those that live
      await dead.restart();
      expect(await requests()).toBe(round * ASKED);
    }
  } finally {
    await server.stop();
  }
}, 240_000);
