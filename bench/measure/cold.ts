// What a server adds to the first fetch of a file: first and last byte, beside going direct.
import { type Context, directUrls, note, peersFor, withServers } from "../lib/context.ts";
import { askForIndices } from "../lib/files.ts";
import { type Answer, ask } from "../lib/http.ts";
import { Problem, reason } from "../lib/refuse.ts";
import { median } from "../lib/stats.ts";
import type { FormatName } from "../peers/types.ts";
import { debPath, debs } from "../upstream/apt-tree.ts";
import { synthetic, tarballPath } from "../upstream/synthetic.ts";

const MEASURE = "cold";

interface ColdFile {
  path: string;
  size: number;
  /** Column of the report. */
  column: string;
}

interface Kind {
  format: FormatName;
  /** Fetches the documents that name the files: this is about files. */
  prime(base: string): Promise<unknown>;
  files: ColdFile[];
}

const KINDS: Kind[] = [
  {
    format: "npm",
    prime: (base) => ask(`${base}/${synthetic.cold.name}`),
    files: synthetic.cold.files.map(({ version, size }) => ({
      path: tarballPath(synthetic.cold.name, version),
      size,
      column: size < 1e6 ? "10 kB" : "5 MB",
    })),
  },
  {
    format: "apt",
    prime: askForIndices,
    files: [...debs.cold, ...debs.coldLarge].map((deb) => ({
      path: debPath(deb),
      size: deb.size,
      column: `deb ${deb.size < 1e6 ? "50 kB" : `${deb.size / 1e6} MB`}`,
    })),
  },
];

export async function measureCold(context: Context): Promise<void> {
  for (const kind of KINDS)
    if (context.formats.includes(kind.format)) await measureKind(context, kind);
}

async function measureKind(context: Context, { format, prime, files }: Kind): Promise<void> {
  await withServers(context, MEASURE, peersFor(context, format), async (servers) => {
    const bases = new Map([["direct", directUrls(context)[format]]]);
    for (const server of servers) bases.set(server.name, server.urls[format]!);
    for (const base of bases.values()) await prime(base);
    const answers = new Map<string, Answer[]>();
    // Every other pair: of all sizes.
    const some = context.quick ? files.filter((_, at) => at % 4 < 2) : files;
    for (const { path, size, column } of some)
      for (const [name, base] of bases) {
        try {
          const answer = await ask(`${base}/${path}`);
          if (answer.status !== 200 || answer.bytes !== size)
            throw new Problem(`status ${answer.status}, ${answer.bytes} of ${size} bytes`);
          const key = `${name}|${column}`;
          answers.set(key, [...(answers.get(key) ?? []), answer]);
        } catch (error) {
          note(context, MEASURE, [name, column, "first byte ms"], null, reason(error));
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
