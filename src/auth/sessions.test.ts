import { afterEach, beforeEach, expect, test } from "bun:test";
import { theServer } from "../core/principal.ts";
import { openTestAuth, type TestAuth } from "./testkit.ts";

let kit: TestAuth;
beforeEach(async () => {
  kit = await openTestAuth();
  await kit.auth.admin.addUser(theServer, { name: "ann", password: null });
});
afterEach(() => kit.close());

const MINUTE = 60_000;
const request = (cookie: string | null) => ({
  method: "GET",
  path: "/-/account",
  origin: "https://packages.example.test",
  address: "10.0.0.1",
  header: (name: string) => (name === "cookie" ? cookie : null),
});
const begin = async (before: string | null = null) =>
  (await kit.auth.sessions.begin("ann", request(before))).split(";")[0]!;
const find = async (cookie: string | null) =>
  (await kit.auth.sessions.find(request(cookie)))?.name ?? null;

test("a session lasts for as long as it is used, and ends after half a day without", async () => {
  const cookie = await begin();
  for (let hours = 0; hours < 24; hours += 11) {
    kit.clock += 11 * 60 * MINUTE;
    expect(await find(cookie)).toBe("ann");
  }
  kit.clock += 12 * 60 * MINUTE + 1;
  expect(await find(cookie)).toBeNull();
  await begin();
  expect(await kit.database.read`SELECT count(*) AS total FROM sessions`).toEqual([{ total: 1 }]);
});

test("a session is fresh for a quarter of an hour, however much it is used", async () => {
  const cookie = await begin();
  const isFresh = () => kit.auth.sessions.isFresh(request(cookie));
  kit.clock += 15 * MINUTE;
  expect([await find(cookie), await isFresh()]).toEqual(["ann", true]);
  kit.clock += 1;
  expect([await find(cookie), await isFresh()]).toEqual(["ann", false]);
  expect(await kit.auth.sessions.isFresh(request(null))).toBe(false);
});

test("who logs out is out, in this browser alone", async () => {
  const [here, there] = [await begin(), await begin()];
  await kit.auth.sessions.end(request(here));
  expect([await find(here), await find(there)]).toEqual([null, "ann"]);
});

test("what somebody logged in may is asked again of the session", async () => {
  const gate = kit.use({ isLocal: false });
  const cookie = await begin();
  const grant = await gate.identify(request(cookie));
  expect((await grant.again!()).principal.name).toBe("ann");
  await kit.auth.sessions.end(request(cookie));
  expect((await grant.again!()).principal.kind).toBe("anonymous");
});

test("one that was in the browser before counts for nobody once its user is gone", async () => {
  const before = await begin();
  const after = await begin(before);
  expect(await find(after)).toBe("ann");
  await kit.auth.admin.removeUser(theServer, "ann");
  expect(await find(after)).toBeNull();
});
