import { afterEach, beforeEach, expect, test } from "bun:test";
import { theServer } from "../core/principal.ts";
import { openTestAuth, type TestAuth, wish } from "./testkit.ts";

let kit: TestAuth;
beforeEach(async () => {
  kit = await openTestAuth();
});
afterEach(() => kit.close());

/** Whether each transaction that `work` waits for was to be on the disk before it was told. */
async function durableIn(work: () => Promise<unknown>): Promise<boolean[]> {
  const seen: boolean[] = [];
  const { write } = kit.database;
  kit.database.write = (inside, how = {}) => {
    seen.push(how.durable ?? false);
    return write(inside, how);
  };
  try {
    await work();
  } finally {
    kit.database.write = write;
  }
  return seen;
}

test("who may do what is on the disk before anybody is told that it is so: a token that is revoked does not come back with a crash", async () => {
  const { admin, sessions } = kit.auth;
  const everything = { actions: ["read" as const], repository: null, package: null };
  let [grant, token] = ["", ""];
  const steps: (() => Promise<unknown>)[] = [
    () => admin.addUser(theServer, { name: "ann", password: null }),
    async () => {
      grant = await admin.grant(theServer, { holder: "user:ann", ...everything });
    },
    async () => {
      token = (await admin.issueToken(theServer, "ann", wish())).id;
    },
    () => admin.issueToken(theServer, "ann", wish({ name: "second" })),
    () => admin.revokeToken(theServer, token),
    () => admin.ungrant(theServer, grant),
    () => admin.removeUser(theServer, "ann"),
  ];
  for (const step of steps) expect(await durableIn(step)).toEqual([true]);

  const request = {
    method: "POST",
    path: "/",
    origin: "http://x",
    address: "",
    header: () => null,
  };
  const cookie = await sessions.begin("ann", request);
  const logsOut = { ...request, header: () => cookie.split(";")[0]! };
  expect(await durableIn(() => sessions.end(logsOut))).toEqual([true]);
});
