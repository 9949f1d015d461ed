import { afterEach, expect, test } from "bun:test";
import { artifact, bytesOf, index, openToy, request } from "./testkit.ts";

let toy: Awaited<ReturnType<typeof openToy>>;
afterEach(() => toy.close());

// L13: whatever a format forgets, the four ways from it to the network refuse a claimed name themselves.
const ways: [what: string, go: () => Promise<unknown>][] = [
  ["view", () => toy.repository.view(index, { variant: "all", base: "" }, {})],
  ["read", () => toy.repository.read(index, { variant: "all", base: "" })],
  ["artifact", () => toy.repository.artifact(artifact("a.tgz"), request()).then(bytesOf)],
  ["ask", () => toy.repository.ask({ path: "search?text=thing", package: "thing" })],
  ["refuseClaimed", async () => toy.repository.refuseClaimed("thing")],
];

for (const [what, go] of ways)
  test(`${what} refuses a claimed name, names the claim and asks nobody`, async () => {
    toy = await openToy({ claims: ["other", "THI*"] });
    const error = await go().then(
      () => null,
      (reason) => reason,
    );
    expect(error).toMatchObject({ kind: "notFound", rule: "claims" });
    expect(error.message).toContain("(claims: THI*)");
    expect(toy.upstream.asked).toEqual([]);
  });
