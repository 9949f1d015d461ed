// What a server adds to the first fetch of a file: first and last byte, beside going direct.
import { type Context, directUrls, note, peersFor, withServers } from "../lib/context.ts";
import { type Answer, ask } from "../lib/http.ts";
import { Problem, reason } from "../lib/refuse.ts";
import { median } from "../lib/stats.ts";
import { synthetic, tarballPath } from "../upstream/synthetic.ts";

const MEASURE = "cold";

export async function measureCold(context: Context): Promise<void> {
  if (!context.formats.includes("npm")) return;
  await withServers(context, MEASURE, peersFor(context, "npm"), async (servers) => {
    const bases = new Map([["direct", directUrls(context).npm]]);
    for (const server of servers) bases.set(server.name, server.urls.npm!);
    // The document that names the files is fetched before: this is about files.
    for (const base of bases.values()) await ask(`${base}/${synthetic.cold.name}`);
    const answers = new Map<string, Answer[]>();
    for (const file of synthetic.cold.files.slice(0, context.quick ? 10 : undefined))
      for (const [name, base] of bases) {
        try {
          const answer = await ask(`${base}/${tarballPath(synthetic.cold.name, file.version)}`);
          if (answer.status !== 200 || answer.bytes !== file.size)
            throw new Problem(`status ${answer.status}, ${answer.bytes} of ${file.size} bytes`);
          const key = `${name}|${file.size < 1e6 ? "10 kB" : "5 MB"}`;
          answers.set(key, [...(answers.get(key) ?? []), answer]);
        } catch (error) {
          note(context, MEASURE, [name, "10 kB", "first byte ms"], null, reason(error));
          bases.delete(name);
        }
      }
    for (const [key, all] of answers) {
      const [name, size] = key.split("|") as [string, string];
      const first = median(all.map((answer) => answer.firstByte));
      note(context, MEASURE, [name, size, "first byte ms"], first);
      note(context, MEASURE, [name, size, "total ms"], median(all.map((answer) => answer.total)));
    }
  });
}
