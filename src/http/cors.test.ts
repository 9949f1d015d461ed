import { expect, test } from "bun:test";
import { reply } from "../core/reply.ts";
import { preflight } from "./cors.ts";
import { send } from "./send.ts";

const asking = (method: string, headers: Record<string, string> = {}) => ({
  method,
  header: (name: string) => headers[name] ?? null,
});
const origin = "https://pages.example.test";

for (const wanted of ["GET", "HEAD"])
  test(`a page may ask whether it may ${wanted}`, () => {
    const asked = asking("OPTIONS", { origin, "access-control-request-method": wanted });
    const { status, headers } = preflight(asked)!;
    expect(status).toBe(204);
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(headers["access-control-allow-methods"]).toBe("GET, HEAD");
    expect(JSON.stringify(headers).toLowerCase()).not.toMatch(/authorization|credentials/);
  });

for (const [method, headers] of [
  ["OPTIONS", { origin, "access-control-request-method": "PUT" }],
  ["OPTIONS", { origin, "access-control-request-method": "DELETE" }],
  ["OPTIONS", { origin, "access-control-request-method": "POST" }],
  ["OPTIONS", { origin }],
  ["OPTIONS", { "access-control-request-method": "GET" }],
  ["GET", { origin, "access-control-request-method": "GET" }],
] as [string, Record<string, string>][])
  test(`${method} ${JSON.stringify(headers)} is no such question`, () =>
    expect(preflight(asking(method, headers))).toBeNull());

function opened(method: string, repository: string | null): string | null {
  const { response } = send(reply(200, "text/plain", "x"), asking(method), repository, () => {});
  return response.headers.get("access-control-allow-origin");
}

test("any page sees what a repository answers to a read, and nothing else", () => {
  expect([opened("GET", "npm"), opened("HEAD", "npm")]).toEqual(["*", "*"]);
  expect([opened("POST", "npm"), opened("PUT", "npm"), opened("GET", null)]).toEqual(
    Array(3).fill(null),
  );
});
