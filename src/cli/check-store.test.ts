// A bucket that does not do what it says is found out. What it does right is looked at with a gateway, in test/bucket.
import { expect, test } from "bun:test";
import type { Bucket } from "../store/bucket.ts";
import { checkStore, examine } from "./check-store.ts";

/** A bucket in memory, with what a test changes of it. */
function memory(change: (bucket: Bucket) => Partial<Bucket>): { bucket: Bucket; left(): string[] } {
  const objects = new Map<string, Uint8Array>();
  const stat = (path: string) => {
    const bytes = objects.get(path);
    return bytes ? { size: bytes.length, changedAt: Date.now(), etag: "e" } : null;
  };
  const bucket: Bucket = {
    name: "the bucket",
    stat: async (path) => stat(path),
    get: async () => null,
    async read(path) {
      const bytes = objects.get(path);
      return bytes ? { bytes, etag: "e" } : null;
    },
    async put(path, bytes, _sha256, condition) {
      if (condition === "isNew" && objects.has(path)) return false;
      objects.set(path, bytes);
      return true;
    },
    begin: () => Promise.reject(new Error("not needed")),
    async remove(path) {
      objects.delete(path);
    },
    async *list(path) {
      for (const name of objects.keys())
        if (name.startsWith(path)) yield { path: name, ...stat(name)! };
    },
    link: () => Promise.reject(new Error("not needed")),
  };
  return { bucket: { ...bucket, ...change(bucket) }, left: () => [...objects.keys()] };
}

const cases: [title: string, change: (bucket: Bucket) => Partial<Bucket>, told: string[]][] = [
  ["all is well", () => ({}), ["good takes, gives back, lists and removes"]],
  [
    "conditions are not heard",
    ({ put }) => ({ put: (path, bytes, sha256) => put(path, bytes, sha256) }),
    ["bad writes over an object although"],
  ],
  [
    "other bytes come back",
    () => ({ read: async () => ({ bytes: new Uint8Array(3), etag: "e" }) }),
    ["bad does not give back"],
  ],
  ["nothing is listed", () => ({ async *list() {} }), ["bad does not list"]],
  [
    "it denies",
    () => ({ put: () => Promise.reject(new Error("The bucket denies this")) }),
    ["bad cannot be used: The bucket denies this"],
  ],
  [
    "a clock is off",
    ({ stat }) => ({
      async stat(path) {
        const found = await stat(path);
        return found && { ...found, changedAt: found.changedAt - 120_000 };
      },
    }),
    ["good takes", "warning has another time: this machine's clock is 120 seconds ahead"],
  ],
];
for (const [title, change, told] of cases)
  test(`${title}: told, and nothing is left there`, async () => {
    const { bucket, left } = memory(change);
    const findings = await examine(bucket);
    expect(findings.map(({ state, text }) => `${state} ${text}`)).toEqual(
      told.map((start) => expect.stringContaining(start)) as never,
    );
    expect(left()).toEqual([]);
  });

test("without a bucket there is nothing to look at", async () =>
  expect(await checkStore({ store: null })).toEqual([]));
