// Many files, each asked for once, over some connections at a time.
import { Agent } from "node:http";
import { ask } from "./http.ts";
import { Problem } from "./refuse.ts";

const CONNECTIONS = 32;

/** Asks for each path once, over some connections. Requests per second; throws unless all were 200. */
export async function eachOnce(base: string, paths: string[]): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const queue = [...paths];
  const began = performance.now();
  const worker = async () => {
    for (let path = queue.pop(); path; path = queue.pop()) {
      const url = base + path;
      // A kept connection may be closed by the server just now: clients ask again, on another one.
      const answer = await ask(url, { agent }).catch(() => ask(url));
      if (answer.status !== 200) throw new Problem(`${base}${path} answered ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  agent.destroy();
  return paths.length / ((performance.now() - began) / 1000);
}
