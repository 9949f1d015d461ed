import { afterAll, expect, test } from "bun:test";
import type { Config } from "../config/resolve.ts";
import { checkLogin } from "./check-login.ts";

let answer: () => Response = () => new Response("{}");
const provider = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => answer() });
afterAll(() => provider.stop(true));

const issuer = `http://127.0.0.1:${provider.port}`;
const check = (login: object, offline = false) =>
  checkLogin({ login: { oidc: null, ldap: null, ...login } as Config["login"], offline });
const oidc = { issuer, hosts: [] };

test("a provider that answers as itself is well, and nothing else is", async () => {
  answer = () => Response.json({ issuer });
  expect(await check({ oidc })).toMatchObject([{ state: "good", subject: "login" }]);
  for (const [wrong, want] of [
    [() => Response.json({ issuer: `${issuer}/` }), `is of ${issuer}/`],
    [() => new Response("<html>"), "is of no provider"],
    [() => new Response("", { status: 404 }), "answers 404"],
  ] as const) {
    answer = wrong;
    expect(await check({ oidc })).toMatchObject([
      { state: "bad", text: expect.stringContaining(want) },
    ]);
  }
  expect(await check({ oidc }, true)).toEqual([]);
  expect(await check({})).toEqual([]);
});

test("a directory that is not there is told", async () => {
  const ldap = {
    url: "ldap://127.0.0.1:1",
    startTls: false,
    base: "ou=people,dc=example,dc=com",
    filter: "(uid={name})",
    attributes: { name: "uid", email: "mail", fullName: "cn", id: "entryUUID" },
    groups: null,
    timeoutMs: 1_000,
  };
  expect(await check({ ldap })).toMatchObject([
    {
      state: "bad",
      subject: "login",
      text: expect.stringContaining("127.0.0.1:1 cannot be asked"),
    },
  ]);
});
