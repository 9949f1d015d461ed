// What directories answer that is neither a yes nor a no to a password, by result code: RFC 4511 §4.1.9. A real one is in test/clients/ldap.test.ts.
import { afterEach, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { Problem } from "../core/problem.ts";
import { type LdapSettings, ldapDirectory } from "./ldap.ts";

const [BIND, SEARCH] = [0x60, 0x63];
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Answers each request with the next result code of its kind, the last one for ever; a search has no entries. */
async function answering(codes: { bind: number[]; search: number }): Promise<string> {
  const binds = [...codes.bind];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (message: Buffer) => {
      // SEQUENCE { INTEGER id, [APPLICATION n] … }, all of it shorter than 128 bytes but for searches.
      const at = message[1]! < 0x80 ? 2 : 2 + (message[1]! & 0x7f);
      const id = message[at + 2]!;
      const kind = message[at + 3]!;
      if (kind !== BIND && kind !== SEARCH) return;
      const code = kind === SEARCH ? codes.search : binds.length > 1 ? binds.shift()! : binds[0]!;
      const result = [0x0a, 1, code, 0x04, 0, 0x04, 0];
      const answer = kind === BIND ? 0x61 : 0x65;
      const body = [0x02, 1, id, answer, result.length, ...result];
      socket.write(Uint8Array.from([0x30, body.length, ...body]));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `ldap://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const settings = (url: string): LdapSettings => ({
  url,
  startTls: false,
  bindDn: "cn=reader",
  bindPassword: "reads",
  base: "dc=test",
  filter: "(uid={name})",
  attributes: { name: "uid", email: "mail", fullName: "cn", id: "entryUUID" },
  groups: null,
  timeoutMs: 2000,
});

async function told(url: string): Promise<string | null> {
  try {
    const person = await ldapDirectory(settings(url), () => {}).find("ann", "tide pool");
    return person === null ? null : "somebody";
  } catch (error) {
    return error instanceof Problem ? `${error.kind}: ${error.message}` : `a bug: ${error}`;
  }
}

const away = /^unreachable: The directory 127\.0\.0\.1:\d+ /;
for (const code of [1, 3, 8, 10, 13, 50, 51, 52, 53])
  test(`result ${code} to a search, or to its own bind, is no word on a password`, async () => {
    expect(await told(await answering({ bind: [0], search: code }))).toMatch(away);
    expect(await told(await answering({ bind: [code], search: 0 }))).toMatch(away);
  });

for (const code of [51, 52, 80])
  test(`result ${code} to a person's bind is no word on their password`, async () => {
    expect(await told(await answering({ bind: [0, code], search: 0 }))).toMatch(away);
  });

for (const code of [19, 32, 34, 48, 49, 50, 53])
  test(`result ${code} to a person's bind is that they are not let in`, async () => {
    expect(await told(await answering({ bind: [0, code], search: 0 }))).toBe(null);
  });

test("a base that is not there, or not shown, is the operator's matter and nobody's wrong password", async () => {
  expect(await told(await answering({ bind: [0], search: 32 }))).toMatch(
    /^unreachable: The directory \S+ shows nothing at login\.ldap\.base, dc=test, to login\.ldap\.bindDn$/,
  );
});

test("the server's own name and password are told where they are refused", async () => {
  expect(await told(await answering({ bind: [49], search: 0 }))).toContain(
    "does not accept login.ldap.bindDn",
  );
});

test("one that is not there is told in words", async () => {
  expect(await told("ldap://127.0.0.1:9")).toBe(
    "unreachable: The directory 127.0.0.1:9 cannot be asked: refused the connection",
  );
});
