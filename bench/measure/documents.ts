// Warm documents under load: requests per second and the 99th percentile at 32 connections, beside nginx serving a file.
import { type Context, directUrls, note, peersFor, withServers } from "../lib/context.ts";
import {
  abbreviatedPackument,
  composerPackage,
  type DocumentCase,
  goMod,
  inRelease,
  largePackument,
  projectPage,
  smallPackument,
  verifyDocument,
} from "../lib/documents.ts";
import { reason } from "../lib/refuse.ts";
import { median } from "../lib/stats.ts";
import { type Load, loadPatiently } from "../lib/wrk.ts";
import { type Limits, startLimits } from "../peers/limits.ts";

const CASES = [
  smallPackument,
  largePackument,
  abbreviatedPackument,
  projectPage,
  goMod,
  inRelease,
  composerPackage,
];
const MEASURE = "documents";

export async function measureDocuments(context: Context): Promise<void> {
  const limits = await startLimits();
  try {
    await withServers(context, MEASURE, peersFor(context, ...context.formats), async (servers) => {
      for (const each of CASES.filter((one) => context.formats.includes(one.format))) {
        const direct = `${directUrls(context)[each.format]}/${each.path}`;
        const urls = new Map<string, string>();
        for (const server of servers) {
          const base = server.urls[each.format];
          if (base) urls.set(server.name, `${base}/${each.path}`);
        }
        await measureCase(context, each, direct, urls, limits);
      }
    });
  } finally {
    await limits.stop();
  }
}

async function measureCase(
  context: Context,
  each: DocumentCase,
  direct: string,
  urls: Map<string, string>,
  limits: Limits,
): Promise<void> {
  const truth = await verifyDocument(direct, each);
  // The limits get the very bytes that Holdfast sends, or those of the upstream when Holdfast is not measured.
  let bytes = truth;
  for (const [name, url] of urls) {
    try {
      await verifyDocument(url, each, truth.count); // the first request fetches it
      const warm = await verifyDocument(url, each, truth.count);
      if (name === "holdfast") bytes = warm;
      note(context, MEASURE, [name, each.name, "body bytes"], warm.sent.length);
      note(context, MEASURE, [name, each.name, "entries"], warm.count);
    } catch (error) {
      note(context, MEASURE, [name, each.name, "requests/s"], null, reason(error));
      urls.delete(name);
    }
  }
  const file = `${each.name.replace(/\W+/g, "-")}.json`;
  const at = limits.put(file, bytes.plain, bytes.gzip ? bytes.sent : undefined);
  for (const url of at.values()) await verifyDocument(url, each, truth.count);
  await measureRounds(context, each, new Map([...at, ...urls]));
}

async function measureRounds(
  context: Context,
  each: DocumentCase,
  urls: Map<string, string>,
): Promise<void> {
  const results = new Map<string, Load[]>();
  const slow = new Set<string>();
  for (let round = 0; round < (context.quick ? 1 : 3); round += 1)
    for (const [name, url] of urls) {
      if (slow.has(name)) continue;
      try {
        const result = await loadPatiently(url, each.headers, {
          seconds: context.quick ? 1 : 2,
        });
        if (result.slow) slow.add(name); // once is enough of what takes half a minute
        results.set(name, [...(results.get(name) ?? []), result.load]);
      } catch (error) {
        note(context, MEASURE, [name, each.name, "requests/s"], null, reason(error));
        slow.add(name);
      }
    }
  for (const [name, loads] of results) {
    const rates = loads.map((one) => one.requestsPerSecond);
    note(context, MEASURE, [name, each.name, "requests/s"], median(rates));
    note(context, MEASURE, [name, each.name, "p99 ms"], median(loads.map((one) => one.p99)));
  }
}
