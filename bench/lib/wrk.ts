// Bounded load with wrk, and the refusal to time anything but complete 200s. https://github.com/wg/wrk
import { Problem } from "./refuse.ts";

export interface Load {
  requestsPerSecond: number;
  megabytesPerSecond: number;
  /** Milliseconds. */
  p99: number;
}

const LONG_SECONDS = 20;
const UNIT: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };
// wrk counts in units of 1024 and calls them KB and MB.
const SIZE: Record<string, number> = { B: 1e-6, KB: 1024e-6, MB: 1.048576, GB: 1073.741824 };

/** Loads one URL from one thread. Throws when any answer was an error: an error page is no measurement. */
export async function load(
  url: string,
  headers: Record<string, string>,
  { connections = 32, seconds = 2 } = {},
): Promise<Load> {
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", "--timeout", "60s"];
  for (const [name, value] of Object.entries(headers)) args.push("-H", `${name}: ${value}`);
  const child = Bun.spawn(["wrk", ...args, url], { stdout: "pipe", stderr: "pipe" });
  const text = await new Response(child.stdout).text();
  await child.exited;
  const errors = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.+)/.exec(text);
  if (errors) throw new Problem(`${url}: ${errors[0]}`);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(text);
  const transfer = /Transfer\/sec:\s+([\d.]+)(\w+)/.exec(text);
  const p99 = /99%\s+([\d.]+)(us|ms|s|m)/.exec(text);
  if (!rate || !transfer) throw new Problem(`${url}: wrk told no figures`);
  return {
    requestsPerSecond: Number(rate[1]),
    megabytesPerSecond: Number(transfer[1]) * (SIZE[transfer[2]!] ?? Number.NaN),
    p99: p99 ? Number(p99[1]) * UNIT[p99[2]!]! : Number.NaN,
  };
}

/** A server that completes nothing (or, of large files, sends nothing) in the short time gets a long one. */
export async function loadPatiently(
  url: string,
  headers: Record<string, string>,
  {
    seconds,
    connections = 32,
    by = "requestsPerSecond",
  }: {
    seconds: number;
    connections?: number;
    by?: "requestsPerSecond" | "megabytesPerSecond";
  },
): Promise<{ load: Load; slow: boolean }> {
  for (const slow of [false, true]) {
    const result = await load(url, headers, {
      seconds: slow ? LONG_SECONDS : seconds,
      connections,
    });
    if (result[by] > 0) return { load: result, slow };
  }
  throw new Problem(`${url} completed nothing in ${LONG_SECONDS} s at ${connections} connections`);
}
