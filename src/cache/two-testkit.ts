// For tests of what servers that share catalog and files do together: two of them, and the upstream that both may ask.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { layoutOf } from "../store/layout.ts";
import type { Leases } from "../store/leases.ts";
import { openTestDatabase, twoServers } from "../store/testkit.ts";
import { answer, fakeUpstream, openToy, sri } from "./testkit.ts";

/** The upstream has `file` as f.tgz. `close` ends both. */
export async function openTwo(
  file: Uint8Array,
  options: Pick<NonNullable<Parameters<typeof openToy>[0]>, "afar"> = {},
) {
  const upstream = fakeUpstream();
  const root = mkdtempSync(join(tmpdir(), "holdfast-two-"));
  const database = await openTestDatabase(join(root, "holdfast.db"));
  const servers = await twoServers(database);
  const beside = { layout: layoutOf(root), upstream };
  const open = (leases: Leases) => openToy({ ...options, beside, leases, patienceMs: 60_000 });
  const [ours, theirs] = [await open(servers.first.leases), await open(servers.second.leases)];
  const document = JSON.stringify({ files: { "f.tgz": sri(file) } });
  const serve = async ({ path }: { path: string }) =>
    path === "thing" ? answer(200, document, { etag: '"1"' }) : answer(200, file);
  upstream.behave = serve;
  const asked = (path: string) => upstream.asked.filter((one) => one === path).length;
  async function close(): Promise<void> {
    await theirs.close();
    await ours.close();
    await database.close();
    rmSync(root, { recursive: true, force: true });
  }
  return { ...servers, root, database, upstream, serve, ours, theirs, asked, close };
}

export type TwoToys = Awaited<ReturnType<typeof openTwo>>;
