import { expect, test } from "bun:test";
import type { Grant } from "../core/grant.ts";
import { errandGate } from "./errand.ts";

const asked = (authorization: string | null) =>
  errandGate("secret").identify({
    method: "GET",
    path: "/",
    origin: "",
    address: "127.0.0.1",
    header: (name) => (name === "authorization" ? authorization : null),
  }) as Grant;

test("who knows the secret may what the server may, and nobody else anything", () => {
  expect(asked("Bearer secret").may("npm", "admin", "left-pad")).toBe(true);
  for (const other of [null, "Bearer other", "secret"])
    expect(asked(other).may("npm", "read", "left-pad")).toBe(false);
});
