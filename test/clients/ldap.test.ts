// People of a real LDAP server (slapd): found, proven, refused, and away.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../../src/core/problem.ts";
import { type LdapSettings, ldapDirectory } from "../../src/upstream/ldap.ts";
import { type Certificate, makeCertificate } from "../../src/upstream/testkit.ts";
import { startProcess } from "../support/process.ts";
import { base, reader, type Slapd, startSlapd } from "../support/slapd.ts";
import { removeTemp, tempFolder } from "../support/temp.ts";
import { withPrograms } from "./clients.ts";

withPrograms(["slapd"], () => {
  let slapd: Slapd;
  let certificate: Certificate;
  const warnings: string[] = [];
  beforeAll(async () => {
    certificate = makeCertificate();
    slapd = await startSlapd(certificate);
  }, 60_000);
  afterAll(() => slapd.stop());

  const directory = (changes: Partial<LdapSettings> = {}) =>
    ldapDirectory(
      {
        url: slapd.url,
        startTls: false,
        bindDn: reader.dn,
        bindPassword: reader.password,
        base,
        filter: "(&(objectClass=person)(uid={name}))",
        attributes: { name: "uid", email: "mail", fullName: "cn", id: "entryUUID" },
        groups: { base: `ou=groups,${base}`, filter: "(member={dn})", name: "cn" },
        timeoutMs: 5000,
        ...changes,
      },
      (message) => warnings.push(message),
    );
  const failure = async (work: Promise<unknown>) => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof Problem) return `${error.kind}: ${error.message}`;
      throw error;
    }
  };

  test("who gives their password is told with name, address and groups", async () => {
    const ann = await directory().find("ann", "tide pool");
    expect(ann).toEqual({
      issuer: slapd.url,
      subject: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: "ann",
      email: "ann@example.test",
      fullName: "Ann Kelp",
      groups: expect.arrayContaining(["builders", "keepers", `cn=builders,ou=groups,${base}`]),
    });
    const again = await directory().find("ANN", "tide pool");
    expect([again?.name, again?.subject]).toEqual(["ann", ann!.subject]);
    expect((await directory({ groups: null }).find("ann", "tide pool"))?.groups).toBeNull();
    expect((await directory().find("åsa", "långt lösenord"))?.groups).toEqual([]);
    expect((await directory().find("odd*(name)\\", "odd"))?.name).toBe("odd*(name)\\");
  });

  test("a wrong password, none, and a name that nobody has are the same", async () => {
    // slapd takes a bind without a password for one without a name, which succeeds.
    for (const [name, password] of [
      ["ann", "wrong"],
      ["ann", ""],
      ["", "tide pool"],
      ["nobody", "tide pool"],
      ["reader", reader.password],
    ] as const)
      expect(await directory().find(name, password)).toBeNull();
  });

  test("a name is never more than a name", async () => {
    for (const name of [
      "*",
      "a*",
      "ann)(uid=*",
      "*)(|(uid=*",
      "ann\0",
      "x)(cn=Ann Kelp",
      "ann)(userPassword=*",
      "\\61nn",
      "ann".padEnd(300, "n"),
    ])
      expect([name, await directory().find(name, "tide pool")]).toEqual([name, null]);
    expect(await directory().find("ben", "sea ) (uid=*")).not.toBeNull();
  });

  test("two people of one name are nobody, and the operator is told", async () => {
    warnings.length = 0;
    expect(await directory().find("twin", "twin")).toBeNull();
    expect(warnings.join()).toContain("several people");
  });

  test("over TLS from the start, or from the first word on", async () => {
    const { ca } = certificate;
    for (const secure of [{ url: slapd.secureUrl }, { startTls: true }]) {
      expect((await directory({ ...secure, ca }).find("ann", "tide pool"))?.name).toBe("ann");
      expect(await failure(directory(secure).find("ann", "tide pool"))).toContain("unreachable");
    }
  });

  test("what is wrong on our side is not told as a wrong password", async () => {
    const find = (changes: Partial<LdapSettings>) =>
      failure(directory(changes).find("ann", "tide pool"));
    expect(await find({ bindPassword: "wrong" })).toContain("does not accept login.ldap.bindDn");
    expect(await find({ filter: "(uid={name}" })).toContain("cannot be asked");
    expect(await find({ base: "dc=elsewhere" })).toContain(
      "shows nothing at login.ldap.base, dc=elsewhere, to login.ldap.bindDn",
    );
    const groups = { base: "ou=none,dc=elsewhere", filter: "(member={dn})", name: "cn" };
    expect(await find({ groups })).toContain("shows nothing at login.ldap.groupBase, ou=none");
    await slapd.pause();
    expect(await find({})).toStartWith(`unreachable: The directory ${new URL(slapd.url).host}`);
    await slapd.resume();
    expect(await find({})).toMatchObject({ name: "ann" });
  });

  test("a server lets them in by name and password, with the grants of their groups", async () => {
    const home = tempFolder("ldap-server");
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "password"), `${reader.password}\n`);
    const server = await startProcess({
      config: `
access: { anonymous: none, grants: [{ to: "team:sea", may: read }] }
login:
  ldap: { url: "${slapd.url}", bindDn: "${reader.dn}", bindPasswordFile: ${join(home, "password")}, base: "${base}", groupBase: "${base}", teams: { divers: sea } }
repositories: { npm: { upstreams: [], offline: true } }
`,
    });
    try {
      const ask = async (name: string, password: string) =>
        (
          await fetch(`${server.url}/npm/-/whoami`, {
            headers: {
              authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`,
            },
          })
        ).text();
      // The first log-in makes the user; what is known of who is logged in is from the second one on.
      for (const _ of [1, 2]) expect(await ask("ann", "tide pool")).toBe('{"username":"ann"}\n');
      expect(await ask("ann", "wrong")).toContain("The name or the password is wrong");
      expect(await ask("ann", "")).toContain("The name or the password is wrong");
      await slapd.pause();
      expect(await ask("ann", "tide pool")).toBe('{"username":"ann"}\n'); // asked for a moment ago
      expect(await ask("ben", "sea ) (uid=*")).toContain("cannot be asked");
      await slapd.resume();
      expect(server.output()).not.toMatch(/tide pool|reads people/);
    } finally {
      await server.stop();
      removeTemp(home);
    }
  }, 60_000);
});
