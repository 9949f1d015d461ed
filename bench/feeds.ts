// What reading a feed costs: makes an archive like OSV's of npm, has a process of its own take it in, and asks it. `bun bench/feeds.ts [RECORDS]`
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { createFeeds } from "../src/advisories/feeds.ts";
import { knownAdvisories } from "../src/advisories/known.ts";
import { checkpoint, openDatabase } from "../src/store/database.ts";
import { openFolder } from "../src/store/folder.ts";
import { openOutput, openRandom } from "../src/store/sink.ts";

const RECORDS = 226_000;
const ecosystems = [{ ecosystem: "npm", purlType: "npm" }];
const [count = String(RECORDS), folder] = process.argv.slice(2);

if (folder) await measure(folder);
else {
  const made = mkdtempSync(join(tmpdir(), "holdfast-feeds-"));
  try {
    await makeArchive(join(made, "all.zip"), Number(count));
    // Of its own, so that its memory is that of reading alone.
    const child = Bun.spawn([process.execPath, import.meta.path, count, made], {
      stdout: "inherit",
    });
    process.exitCode = await child.exited;
  } finally {
    rmSync(made, { recursive: true });
  }
}

async function measure(at: string): Promise<void> {
  const path = join(at, "holdfast.db");
  const database = await openDatabase(path);
  // As a server's house does.
  const tidying = setInterval(() => checkpoint(path), 5_000);
  const feeds = createFeeds({
    database,
    blobs: { begin: () => Promise.reject(new Error("a folder needs none")) },
    openRandom,
    ecosystems,
    changed() {},
    note: async () => {},
    now: Date.now,
  });
  const source = { kind: "folder", folder: openFolder(join(at, "all.zip")) } as const;
  feeds.use([{ name: "osv", source, everyMs: 60_000 }]);
  await spent("first reading", 1, () => feeds.read("all", new AbortController().signal));
  await database.write((sql) => sql`UPDATE feeds SET etag = NULL`);
  await spent("later reading", 1, () => feeds.read("all", new AbortController().signal));
  clearInterval(tidying);
  const status = readFileSync("/proc/self/status", "utf8");
  console.log(`peak memory: ${Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1000)} MB`);
  const { about } = knownAdvisories(database.read, ecosystems);
  await spent("a name of which nothing is told", 20_000, (nth) => about("npm", `nothing-${nth}`));
  await spent("a name with one record", 1_000, (nth) => about("npm", nameOf(12 * nth + 9)));
  await spent("a name with three records", 1_000, (nth) => about("npm", nameOf(12 * nth)));
  await database.close();
}

/** What is asked for often was compiled before: that is not a part of it. */
async function spent(what: string, times: number, work: (nth: number) => Promise<unknown>) {
  if (times > 1) for (let nth = 0; nth < times; nth += 1) await work(times + nth);
  const before = process.cpuUsage();
  for (let nth = 0; nth < times; nth += 1) await work(nth);
  const { user, system } = process.cpuUsage(before);
  const each = (user + system) / times;
  console.log(
    `${what}: ${each > 10_000 ? `${(each / 1e6).toFixed(1)} s` : `${each.toFixed(0)} µs`} of CPU`,
  );
}

/** In the form for more than 65,535 entries. APPNOTE 4.3.14 */
async function makeArchive(path: string, records: number): Promise<void> {
  const file = openOutput(path);
  const directory: Buffer[] = [];
  let offset = 0;
  for (let nth = 0; nth < records; nth += 1) {
    const { id, text } = recordOf(nth);
    const name = Buffer.from(`${id}.json`);
    const plain = Buffer.from(text);
    const packed = deflateRawSync(plain, { level: 1 });
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(plain), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(plain.length, 18);
    common.writeUInt16LE(name.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from("PK\x01\x02\x14\x03", "latin1"), common, tail, name]),
    );
    await file.write(Buffer.concat([Buffer.from("PK\x03\x04"), common, name, packed]));
    offset += 30 + name.length + packed.length;
  }
  let size = 0;
  for (const entry of directory) {
    size += entry.length;
    await file.write(entry);
  }
  const end = Buffer.alloc(56 + 20 + 22, 0);
  end.writeUInt32LE(0x06064b50, 0);
  end.writeBigUInt64LE(44n, 4);
  for (const at of [24, 32]) end.writeBigUInt64LE(BigInt(records), at);
  end.writeBigUInt64LE(BigInt(size), 40);
  end.writeBigUInt64LE(BigInt(offset), 48);
  end.writeUInt32LE(0x07064b50, 56);
  end.writeBigUInt64LE(BigInt(offset + size), 64);
  end.writeUInt32LE(1, 72);
  end.writeUInt32LE(0x06054b50, 76);
  for (const at of [84, 86]) end.writeUInt16LE(0xffff, at);
  for (const at of [88, 92]) end.writeUInt32LE(0xffffffff, at);
  await file.write(end);
  await file.end();
  console.log(`${records} records, ${Math.round((offset + size) / 1e6)} MB`);
}

/** Mostly malware: three records a name, and every fourth name with one for each record. */
function nameOf(nth: number): string {
  const name = Math.floor(nth / 3);
  return name % 4 === 3 ? `single-${nth}` : `package-${name}`;
}

function recordOf(nth: number): { id: string; text: string } {
  const id = nth % 40 === 39 ? `GHSA-${nth}` : `MAL-2025-${nth}`;
  const name = nameOf(nth);
  const noise = Array.from({ length: 10 }, (_, at) =>
    createHash("sha256").update(`${nth} ${at}`).digest("hex"),
  );
  const text = JSON.stringify({
    schema_version: "1.7.4",
    id,
    modified: "2026-01-01T00:00:00Z",
    summary: `Malicious code in ${name}`,
    details: `What was seen of it: ${noise.join(" ")}`,
    affected: [
      {
        package: { ecosystem: "npm", name },
        ranges: [{ type: "SEMVER", events: [{ introduced: "0" }] }],
        versions: ["1.0.0", "1.0.1"],
      },
    ],
    references: [{ type: "PACKAGE", url: `https://registry.example.test/${name}` }],
    database_specific: { "malicious-packages-origins": [{ source: "somebody", sha256: noise[0] }] },
  });
  return { id, text };
}
