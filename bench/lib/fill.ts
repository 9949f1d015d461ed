// Fills a stopped Holdfast's catalog with many packages, as if their files had been fetched (src/store/migrations/).
import { Database } from "bun:sqlite";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILES_PER_PACKAGE = 20;
const SAMPLE_BYTES = 1000;
const REPOSITORY = "npm";

const nameOf = (index: number) => `grow-${String(index).padStart(7, "0")}`;

function digest(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

/** A file's bytes: enough to be recognised. */
const bodyOf = (file: string) =>
  file.repeat(Math.ceil(SAMPLE_BYTES / file.length)).slice(0, SAMPLE_BYTES);

/**
 * Adds `count` artifacts. Every `every`-th has its bytes on disk too, so that it can be asked for: returns
 * the paths of these, below the registry's URL.
 */
export function fillCatalog(data: string, count: number, every: number): string[] {
  const database = new Database(join(data, "holdfast.db"));
  const paths: string[] = [];
  const artifact = database.prepare(
    `INSERT INTO artifacts (repository, package, file, version, purl, sha256, size, fetched_at, upstream, path, used_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
  );
  const pin = database.prepare(
    "INSERT INTO pins (repository, package, file, sha256, size, first_seen, upstream) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const fact = database.prepare(
    "INSERT INTO facts (repository, package, file, version, integrity, is_grown, revision) VALUES (?, ?, ?, ?, ?, 0, 1)",
  );
  const add = (index: number) => {
    const name = nameOf(Math.floor(index / FILES_PER_PACKAGE));
    const version = `1.0.${index % FILES_PER_PACKAGE}`;
    const file = `${name}-${version}.tgz`;
    const path = `/${name}/-/${file}`;
    const sha256 = digest(bodyOf(file));
    artifact.run(
      REPOSITORY,
      name,
      file,
      version,
      `pkg:npm/${name}@${version}`,
      sha256,
      SAMPLE_BYTES,
      0,
      "upstream.example.test",
      path,
    );
    pin.run(REPOSITORY, name, file, sha256, SAMPLE_BYTES, 0, "upstream.example.test");
    fact.run(REPOSITORY, name, file, version, `sha512-${sha256}${sha256}`);
    if (index % every === 0) {
      store(data, sha256, bodyOf(file));
      paths.push(path);
    }
  };
  database.transaction(() => {
    for (let index = 0; index < count; index += 1) add(index);
  })();
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
  return paths;
}

function store(data: string, sha256: string, body: string): void {
  const folder = join(data, "blobs", "sha256", sha256.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, sha256.slice(2)), body);
}
