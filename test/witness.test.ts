// Two servers, each the other's witness, over HTTP as they run; and what is noticed when one of them goes back.
import { expect, test } from "bun:test";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../src/cli/index.ts";
import { fakeTerminal } from "../src/cli/testing.ts";
import { commands } from "../src/main.ts";
import { startUpstream } from "./support/fake-upstream/index.ts";
import { startServer } from "./support/server.ts";
import { removeTemp, tempFolder } from "./support/temp.ts";
import { waitFor } from "./support/wait.ts";

test("two servers sign each other's checkpoints; one that is put back whole is told by the other", async () => {
  const upstream = await startUpstream();
  const folder = tempFolder("witness-http");
  const [first, second] = [await startServer(upstream), await startServer(upstream)];
  const holdfast = async (...words: string[]) => {
    const terminal = fakeTerminal();
    const code = await runCli([...words, "--data", first.data], commands(), terminal);
    return { code, ...terminal.printed };
  };
  const text = async (url: string) => {
    const response = await fetch(url);
    return response.ok ? response.text() : "";
  };
  const get = (path: string) => fetch(first.url + path).then((answer) => answer.arrayBuffer());
  try {
    const key = (await text(`${second.url}/-/log/witness/key`)).trim();
    await get("/npm/kelp/-/kelp-2.0.0.tgz");
    await second.restart({
      server: { ledger: { witnessOf: [(await holdfast("ledger", "key")).out.trim()] } },
    });
    const witnesses = [{ url: `${second.url}/-/log/witness`, key }];
    await first.restart({ server: { ledger: { witnesses } } });
    const isSigned = async () => {
      const { code, out } = await holdfast("ledger", "prove", "pkg:npm/kelp@2.0.0");
      return code === 0 && out.includes(`— ${key.split("+")[0]} `);
    };
    await waitFor(isSigned, () => `not signed: ${first.log.join("\n")}`, 30_000);
    /** How many leaves the other signed, where that is all there are. */
    const signed = async () => {
      const { code, out } = await holdfast("ledger", "compare", second.url);
      const sizes = /the same history: (\d+) leaves at .*, (\d+) here/.exec(out);
      return code === 0 && sizes && sizes[1] === sizes[2] ? Number(sizes[1]) : 0;
    };
    await waitFor(
      async () => (await signed()) > 0,
      () => "not signed",
      30_000,
    );
    const before = await signed();
    const away = Bun.serve({ port: 0, fetch: () => new Response("", { status: 503 }) });
    const { err } = await holdfast("ledger", "compare", `http://127.0.0.1:${away.port}`);
    away.stop(true);
    expect(err).toContain("answers 503: what it knows is not told");

    await first.restart({}, () => {
      cpSync(first.data, join(folder, "copy"), { recursive: true });
    });
    await get("/go/example.test/anchor/@v/v1.1.0.zip");
    await waitFor(
      async () => (await signed()) > before,
      () => "nothing more is signed",
      30_000,
    );

    // Database and log of one moment: nothing here can tell.
    await first.restart({}, () => {
      rmSync(first.data, { recursive: true });
      cpSync(join(folder, "copy"), first.data, { recursive: true });
    });
    await waitFor(
      () => first.events().some(({ kind }) => kind === "log-forked"),
      () => `no event: ${first.log.slice(-20).join("\n")}`,
      30_000,
    );
    expect((await holdfast("ledger", "compare", second.url)).code).toBe(1);
  } finally {
    await first.stop();
    await second.stop();
    await upstream.stop();
    removeTemp(folder);
  }
}, 180_000);
