// A node whose disk is full: of copies, which make room, or of what others put there. Clients and publishers have the other nodes.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { commandOf, withPrograms } from "../clients/clients.ts";
import { type BulkUpstream, startBulk } from "../faults/bulk-upstream.ts";
import { type Cluster, npmAlone, startCluster } from "../support/cluster.ts";
import { holdfastAt } from "../support/command.ts";
import { npmPublication } from "../support/npm-package.ts";
import { run } from "../support/run.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";

const MB = 1024 * 1024;
/** All of them are more than the disk holds. */
const FILES = 10;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

withPrograms(["versitygw", "postgres", "nginx"], () => {
  const small = tempFolder("small-disk");
  let upstream: BulkUpstream;
  let cluster: Cluster;
  let token: string;
  beforeAll(async () => {
    const mounted = await run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", small], {
      cwd: "/",
    });
    expect(mounted, "this test needs root, to mount a small disk of its own").toMatchObject({
      code: 0,
    });
    upstream = startBulk(Array.from({ length: FILES + 1 }, () => 4 * MB));
    cluster = await startCluster({
      config: npmAlone({ upstreams: [{ url: upstream.url }], claims: ["@own/*"] }),
      gateway: commandOf("versitygw")[0]!,
      nodes: 2,
      data: (at) => (at === 0 ? join(small, "data") : undefined),
    });
    const [node] = cluster.nodes;
    await holdfastAt(node!, ["user", "add", "ann", "--password-stdin"], {
      input: "correct horse battery\n",
    });
    await holdfastAt(node!, ["grant", "add", "user:ann", "publish", "--repository", "npm"]);
    token = (await holdfastAt(node!, ["token", "create", "ann", "--name", "ci"])).trim();
  }, 120_000);
  afterAll(async () => {
    await cluster?.stop();
    await upstream?.stop();
    await run(["umount", small], { cwd: "/" });
    removeTemp(small);
  }, 60_000);

  /** The digest, or what was said in its place. */
  async function download(at: { url: string }, path: string): Promise<string> {
    try {
      const response = await fetch(at.url + path, { keepalive: false });
      const bytes = await response.bytes();
      return response.status === 200 ? sha256(bytes) : `${response.status} ${Buffer.from(bytes)}`;
    } catch {
      return "cut";
    }
  }
  const tarball = (nth: number) => `/npm/bulk-${nth}/-/bulk-${nth}-1.0.0.tgz`;
  const digestOf = (nth: number) => upstream.digests.get(`bulk-${nth}`)!;
  const publication = (version: string) => npmPublication("@own/hull", version, noise(3 * MB));
  async function publish(at: { url: string }, version: string): Promise<string> {
    const response = await fetch(`${at.url}/npm/@own%2fhull`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: publication(version).body,
    });
    return `${response.status} ${await response.text()}`;
  }
  /** A copy that was used just now stays for a moment: what found no room is asked for once more. */
  async function comes(find: () => Promise<string>, want: string): Promise<void> {
    let last = "";
    await waitFor(
      async () => {
        last = await find();
        return last.startsWith(want);
      },
      () => `${want} was wanted: ${last.slice(0, 300)}`,
      30_000,
    );
  }

  test("copies make room for what comes, and for what is published", async () => {
    const [node] = cluster.nodes;
    for (let nth = 0; nth < FILES; nth += 1)
      await comes(() => download(node!, tarball(nth)), digestOf(nth));
    await comes(() => publish(node!, "1.0.0"), "201");
    for (let nth = 0; nth < FILES; nth += 1)
      await comes(() => download(node!, tarball(nth)), digestOf(nth));
    const own = "/npm/@own/hull/-/hull-1.0.0.tgz";
    for (const one of cluster.nodes)
      await comes(() => download(one, own), sha256(publication("1.0.0").tarball));
    expect(node!.output()).not.toContain("because of a bug");
  }, 120_000);

  test("a disk that others have filled is told by name at that node, the others do all, and room that comes back is used", async () => {
    const [node, other] = cluster.nodes;
    const filler = join(small, "filler");
    // Until nothing is left of the copies either: one that is there is served.
    let nth = -1;
    await waitFor(
      async () => {
        const { bavail, bsize } = await statfs(small);
        const room = Math.max(0, bavail * bsize - MB);
        if (room > 0) writeFileSync(filler, Buffer.alloc(room), { flag: "a" });
        nth = (nth + 1) % FILES;
        return /^(403|424|503) .*full|^cut$/s.test(await download(node!, tarball(nth)));
      },
      () => "nothing is refused",
      60_000,
    );
    expect(await publish(node!, "2.0.0")).toMatch(
      /^424 .*The disk that holds the data directory is full/,
    );
    expect(await download(other!, tarball(nth))).toBe(digestOf(nth));
    expect(await publish(other!, "2.0.0")).toStartWith("201");
    expect((await fetch(`${node!.url}/-/health/live`)).status).toBe(200);
    await run(["rm", filler], { cwd: "/" });
    await comes(() => download(node!, tarball(nth)), digestOf(nth));
    await comes(() => download(node!, tarball(FILES)), digestOf(FILES));
    await comes(() => publish(node!, "2.0.1"), "201");
    expect(node!.output()).not.toContain("because of a bug");
  }, 120_000);
});

/** Text that does not compress, the same each time. */
function noise(size: number): string {
  let text = "";
  for (let at = 0; text.length < size; at += 1) text += sha256(Buffer.from(`${at}`));
  return text.slice(0, size);
}
