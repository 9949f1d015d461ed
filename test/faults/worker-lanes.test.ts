// Real work in real threads: who waits for something small does not wait for somebody else's large document.
import { afterAll, expect, test } from "bun:test";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createMetrics } from "../../src/core/metrics.ts";
import { packumentRef } from "../../src/formats/npm/documents.ts";
import { createPool, type Pool } from "../../src/worker/pool.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";

const MB = 1_000_000;
const home = tempFolder("lanes");
const pools: Pool[] = [];
afterAll(async () => {
  for (const pool of pools) await pool.close();
  removeTemp(home);
});

function openPool(): Pool {
  const thread = new URL("../../src/worker/thread.ts", import.meta.url).href;
  const spawn = () => new Worker(thread, { smol: true });
  const pool = createPool({ spawn, metrics: createMetrics(), ended: () => {} });
  pools.push(pool);
  return pool;
}

/** A packument of about `size` bytes. */
function packument(name: string, size: number): string {
  const path = join(home, name);
  writeFileSync(path, `{"name":"${name}","versions":{`);
  const readme = "All about it. ".repeat(7_000);
  for (let at = 0, written = 0; written < size; at += 1) {
    const version = `1.0.${at}`;
    const dist = { tarball: `http://x.test/${name}/-/${name}-${version}.tgz`, shasum: "00" };
    const entry = JSON.stringify({ name, version, readme, dist });
    appendFileSync(path, `${at ? "," : ""}"${version}":${entry}`);
    written += entry.length;
  }
  appendFileSync(path, "}}");
  return path;
}

function ingest(pool: Pool, name: string, input: string) {
  const ref = packumentRef(name);
  const output = `${input}-gzip`;
  const encoding = "identity";
  return pool.transform({ op: "ingest", format: "npm", ref, input, encoding, output });
}

function verify(pool: Pool) {
  const signed = "src/formats/apt/testdata/signed";
  const base64 = (name: string) => readFileSync(join(signed, name)).toString("base64");
  const options = {
    kind: "clear",
    document: base64("InRelease-two"),
    keys: [base64("key-rsa.asc")],
    at: Date.UTC(2026, 5, 1),
    what: "dists/stable/InRelease",
  };
  const job = { op: "task", format: "apt", task: "verify", options, inputs: [] } as const;
  return pool.transform({ ...job, output: null });
}

test("a signature and a small packument are done before a packument of 105 MB that came first", async () => {
  const whale = packument("whale", 105 * MB);
  const sprat = packument("sprat", MB / 2);
  const pool = openPool();
  const order: string[] = [];
  const note = (name: string) => () => {
    order.push(name);
  };
  const large = ingest(pool, "whale", whale).finally(note("large"));
  const [{ signers }, { facts }] = await Promise.all([
    verify(pool) as Promise<{ signers: { keyId: string }[] }>,
    ingest(pool, "sprat", sprat),
  ]);
  note("small")();
  const { facts: all, size } = await large;
  expect(order).toEqual(["small", "large"]);
  expect(signers.map(({ keyId }) => keyId)).toEqual(["77844122CFFAA03E"]);
  expect(facts.length).toBeGreaterThan(1);
  expect(size).toBeGreaterThan(105 * MB);
  expect(all.length).toBeGreaterThan(1_000);
}, 120_000);
