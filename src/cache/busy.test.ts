import { Database as Sqlite } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { answer, artifact, bytesOf, index, openToy, request, sha256, sri } from "./testkit.ts";

const BYTES = Buffer.from("warm");
const NEW = Buffer.from("new");
let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

const get = async (file: string) =>
  sha256(await bytesOf(await toy.repository.artifact(artifact(file), request())));
const view = () => toy.repository.view(index, { variant: "all", base: "" }, {});

test("while another program holds the catalog what is stored is answered, from memory and from disk, and what is new comes after", async () => {
  toy = await openToy();
  toy.upstream.behave = ({ path }) =>
    path === "thing"
      ? answer(200, JSON.stringify({ files: { "warm.tgz": sri(BYTES), "new.tgz": sri(NEW) } }))
      : answer(200, path.endsWith("new.tgz") ? NEW : BYTES);
  await get("warm.tgz");
  await view();
  await toy.restart();
  const other = new Sqlite(toy.layout.database);
  other.run("BEGIN IMMEDIATE");
  for (let turn = 0; turn < 2; turn += 1) {
    expect(await get("warm.tgz")).toBe(sha256(BYTES));
    expect((await view()).status).toBe(200);
  }
  let isThere = false;
  const fetched = get("new.tgz").then((digest) => {
    isThere = true;
    return digest;
  });
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  expect([isThere, await get("warm.tgz")]).toEqual([false, sha256(BYTES)]);
  other.run("ROLLBACK");
  other.close();
  expect(await fetched).toBe(sha256(NEW));
});
