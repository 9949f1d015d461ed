import { afterEach, expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { waitFor } from "../../test/support/wait.ts";
import type { AnyFormat } from "../core/format.ts";
import { Problem } from "../core/problem.ts";
import { answer, artifact, openToy, sha256, toy } from "./testkit.ts";

let open: Awaited<ReturnType<typeof openToy>>;
afterEach(() => open.close());

const bytes = Buffer.from("one\ntwo\nthree\n".repeat(1000));
let runs = 0;

const format: AnyFormat = {
  ...toy,
  tasks: {
    async count({ files: [file], options, write }) {
      runs += 1;
      let lines = 0;
      for await (const chunk of file!.chunks())
        for (const line of Buffer.from(chunk).toString().split("\n")) {
          if (line !== options.word) continue;
          lines += 1;
          await write(`${line}\n`);
        }
      if (options.fail) throw new Problem("malformed", "No such lines");
      return { lines, size: file!.size };
    },
  },
};

async function stored(): Promise<string> {
  open.upstream.behave = () => answer(200, bytes);
  const file = await open.repository.fetch(artifact("lines", { namedBy: [] }));
  expect(file).toEqual({ sha256: sha256(bytes), size: bytes.length, isNew: true });
  return file.sha256;
}

test("a task reads stored bytes and returns what it found", async () => {
  open = await openToy({ format });
  const file = await stored();
  const found = await open.repository.work<unknown>("count", { word: "two" }, [file]);
  expect(found).toEqual({ lines: 1000, size: bytes.length });
});

test("what a task writes is kept, made once for all who ask, and made again when it is gone", async () => {
  open = await openToy({ format });
  const file = await stored();
  runs = 0;
  const derive = (word: string) => open.repository.derive("count", { word }, [file]);
  const [first, second] = await Promise.all([derive("three"), derive("three")]);
  expect(runs).toBe(1);
  expect(Buffer.from(await first.read(6, 6)).toString()).toBe("three\n");
  expect(second.size).toBe(6000);
  await Promise.all([first.close(), second.close()]);
  await open.restart();
  await (await derive("three")).close();
  expect(runs).toBe(1);
  expect((await derive("one")).size).toBe(4000);
  expect(runs).toBe(2);
  for (const folder of readdirSync(open.layout.views))
    rmSync(`${open.layout.views}/${folder}`, { recursive: true });
  expect((await derive("three")).size).toBe(6000);
  expect(runs).toBe(3);
});

test("a task that fails leaves nothing behind", async () => {
  open = await openToy({ format });
  const file = await stored();
  const options = { word: "one", fail: true };
  for (const call of [open.repository.work, open.repository.derive]) {
    const error = await call("count", options, [file]).then(
      () => null,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(Problem);
    expect(error.message).toBe("No such lines");
  }
  const left = readdirSync(open.layout.views, { recursive: true, withFileTypes: true });
  expect(left.filter((entry) => entry.isFile())).toEqual([]);
});

test("what is removed leaves the catalog, and the disk unless something else names it; its pin stays", async () => {
  open = await openToy({ format });
  const file = await stored();
  await open.repository.fetch(artifact("again", { namedBy: [] }));
  const remove = (name: string) => open.repository.remove([{ package: "thing", file: name }]);
  expect(await remove("lines")).toEqual({ files: 1, bytes: 0 });
  expect(existsSync(open.blobPath(file))).toBe(true);
  expect(await remove("again")).toEqual({ files: 1, bytes: bytes.length });
  expect(existsSync(open.blobPath(file))).toBe(false);
  expect(await remove("again")).toEqual({ files: 0, bytes: 0 });

  open.upstream.behave = () => answer(200, "others");
  const error = await open.repository.fetch(artifact("lines", { namedBy: [] })).then(
    () => null,
    (reason) => reason,
  );
  expect(error?.kind).toBe("tampered");
});

test("who gives up leaves the file to the others who wait for it; when all have, it is not made", async () => {
  const gate = Promise.withResolvers<void>();
  open = await openToy({ format });
  const file = await stored();
  let turn: AbortSignal | undefined;
  open.worker.waits = (_job, call) => {
    turn = call?.signal;
    return gate.promise;
  };
  const derive = (signal?: AbortSignal) =>
    open.repository.derive("count", { word: "two" }, [file], signal ? { signal } : {});
  const [one, two] = [new AbortController(), new AbortController()];
  const asked = [derive(one.signal), derive(two.signal)];
  await waitFor(
    () => turn !== undefined,
    () => "the task was not sent",
  );
  one.abort(new Error("gone home"));
  await expect(asked[0]).rejects.toThrow("gone home");
  expect(turn?.aborted).toBe(false);
  two.abort(new Error("gone too"));
  await expect(asked[1]).rejects.toThrow("gone too");
  expect(turn?.aborted).toBe(true);
  const next = derive();
  gate.reject(turn?.reason);
  open.worker.waits = async () => {};
  await (await next).close();
});
