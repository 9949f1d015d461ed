// Warm artifacts under load: small ones by requests, large ones by bytes, beside nginx serving the same file.
import { type Context, directUrls, note, peersFor, withServers } from "../lib/context.ts";
import { type FileCase, fileCases, verifyFile } from "../lib/files.ts";
import { reason } from "../lib/refuse.ts";
import { median } from "../lib/stats.ts";
import { type Load, loadPatiently } from "../lib/wrk.ts";
import { type Limits, startLimits } from "../peers/limits.ts";

const MEASURE = "artifacts";

export async function measureArtifacts(context: Context): Promise<void> {
  const limits = await startLimits();
  try {
    await withServers(context, MEASURE, peersFor(context, ...context.formats), async (servers) => {
      for (const each of fileCases(context.formats)) {
        const urls = await copyToLimits(context, each, limits);
        for (const server of servers) {
          const base = server.urls[each.format];
          if (!base) continue;
          try {
            const url = await each.locate(base);
            await verifyFile(url, each.size); // the first request fetches it
            await verifyFile(url, each.size);
            urls.set(server.name, url);
          } catch (error) {
            note(context, MEASURE, [server.name, each.name, unit(each)], null, reason(error));
          }
        }
        await measureRounds(context, each, urls);
      }
    });
  } finally {
    await limits.stop();
  }
}

const unit = (each: FileCase) => (each.large ? "MB/s" : "requests/s");

async function copyToLimits(
  context: Context,
  each: FileCase,
  limits: Limits,
): Promise<Map<string, string>> {
  const direct = await each.locate(directUrls(context)[each.format]);
  const bytes = new Uint8Array(await (await fetch(direct)).arrayBuffer());
  const urls = limits.put(each.name.replace(/\W+/g, "-"), bytes);
  for (const url of urls.values()) await verifyFile(url, each.size);
  return urls;
}

async function measureRounds(
  context: Context,
  each: FileCase,
  urls: Map<string, string>,
): Promise<void> {
  const results = new Map<string, Load[]>();
  for (let round = 0; round < (context.quick ? 1 : 3); round += 1)
    for (const [name, url] of urls) {
      try {
        const seconds = context.quick ? 1 : 2;
        const by = each.large ? "megabytesPerSecond" : "requestsPerSecond";
        const connections = each.large ? 8 : 32;
        const result = await loadPatiently(url, {}, { seconds, connections, by });
        results.set(name, [...(results.get(name) ?? []), result.load]);
      } catch (error) {
        note(context, MEASURE, [name, each.name, unit(each)], null, reason(error));
        urls.delete(name);
      }
    }
  for (const [name, loads] of results) {
    const figure = (metric: string, of: keyof Load) =>
      note(context, MEASURE, [name, each.name, metric], median(loads.map((load) => load[of])));
    if (each.large) figure("MB/s", "megabytesPerSecond");
    else figure("requests/s", "requestsPerSecond");
    figure("p99 ms", "p99");
  }
}
