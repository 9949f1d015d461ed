// A real LDAP server (Debian's slapd) on loopback, with a few people and groups, in a folder of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Client } from "ldapts";
import type { Certificate } from "../../src/upstream/testkit.ts";
import { removeTemp, tempFolder } from "./temp.ts";
import { waitFor } from "./wait.ts";

export interface Slapd {
  /** ldap://127.0.0.1:port, which takes StartTLS where it has a certificate. */
  readonly url: string;
  /** ldaps://127.0.0.1:port */
  readonly secureUrl: string;
  /** What it wrote so far: every operation. */
  log(): string;
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

export const base = "dc=example,dc=test";
export const reader = { dn: `cn=reader,${base}`, password: "reads people" };

const people: [uid: string, cn: string, password: string][] = [
  ["ann", "Ann Kelp", "tide pool"],
  ["ben", "Ben Coral", "sea ) (uid=*"],
  ["åsa", "Åsa Tång", "långt lösenord"],
  ["odd*(name)\\", "Odd Name", "odd"],
];

const program = "/usr/sbin/slapd";
const manager = { dn: `cn=manager,${base}`, password: "makes people" };

export async function startSlapd(certificate?: Certificate): Promise<Slapd> {
  const home = tempFolder("slapd");
  const at = (name: string) => join(home, name);
  mkdirSync(at("db"));
  const [port, secure] = [await freePort(), await freePort()];
  const url = `ldap://127.0.0.1:${port}`;
  const secureUrl = `ldaps://127.0.0.1:${secure}`;
  writeFileSync(at("slapd.conf"), configuration(home, certificate !== undefined));
  if (certificate) {
    writeFileSync(at("cert.pem"), certificate.cert);
    writeFileSync(at("key.pem"), certificate.key);
    writeFileSync(at("ca.pem"), certificate.ca);
  }
  let log = "";
  let child: ChildProcess | null = null;
  async function begin(): Promise<void> {
    const listen = certificate ? `${url}/ ${secureUrl}/` : `${url}/`;
    const running = spawn(program, ["-f", at("slapd.conf"), "-h", listen, "-d", "256"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    child = running;
    running.stderr.on("data", (chunk: Buffer) => {
      log += chunk;
    });
    await waitFor(
      async () => {
        if (running.exitCode !== null) throw new Error(`slapd ended:\n${log}`);
        return answers(url);
      },
      () => `slapd does not answer:\n${log}`,
      20_000,
    );
  }
  async function end(): Promise<void> {
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child!.once("exit", resolve));
    child.kill("SIGTERM");
    await gone;
  }
  await begin();
  await populate(url);
  return {
    url,
    secureUrl,
    log: () => log,
    pause: end,
    resume: begin,
    async stop() {
      await end();
      removeTemp(home);
    },
  };
}

function configuration(home: string, hasTls: boolean): string {
  const schemas = ["core", "cosine", "inetorgperson"];
  return [
    ...schemas.map((name) => `include /etc/ldap/schema/${name}.schema`),
    "modulepath /usr/lib/ldap",
    "moduleload back_mdb",
    `pidfile ${home}/slapd.pid`,
    ...(hasTls
      ? [
          `TLSCACertificateFile ${home}/ca.pem`,
          `TLSCertificateFile ${home}/cert.pem`,
          `TLSCertificateKeyFile ${home}/key.pem`,
        ]
      : []),
    "database mdb",
    `suffix "${base}"`,
    `rootdn "${manager.dn}"`,
    `rootpw "${manager.password}"`,
    `directory ${home}/db`,
    "access to attrs=userPassword by anonymous auth by * none",
    `access to * by dn.exact="${reader.dn}" read by users none by anonymous auth`,
    "",
  ].join("\n");
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ url, connectTimeout: 1000, timeout: 1000 });
  try {
    await client.bind(manager.dn, manager.password);
    return true;
  } catch {
    return false;
  } finally {
    await client.unbind().catch(() => undefined);
  }
}

async function populate(url: string): Promise<void> {
  const client = new Client({ url });
  await client.bind(manager.dn, manager.password);
  const unit = (name: string) =>
    client.add(`ou=${name},${base}`, { objectClass: "organizationalUnit", ou: name });
  await client.add(base, { objectClass: ["domain"], dc: "example" });
  await client.add(reader.dn, {
    objectClass: ["organizationalRole", "simpleSecurityObject"],
    cn: "reader",
    userPassword: reader.password,
  });
  for (const name of ["people", "guests", "groups"]) await unit(name);
  for (const [uid, cn, password] of people)
    await client.add(`cn=${cn},ou=people,${base}`, {
      objectClass: ["inetOrgPerson"],
      uid,
      cn,
      sn: cn.split(" ")[1]!,
      mail: `${cn.split(" ")[0]!.toLowerCase()}@example.test`.replace("å", "a"),
      userPassword: password,
    });
  for (const unit of ["people", "guests"])
    await client.add(`cn=Twin ${unit},ou=${unit},${base}`, {
      objectClass: ["inetOrgPerson"],
      uid: "twin",
      cn: `Twin ${unit}`,
      sn: "Twin",
      userPassword: "twin",
    });
  const group = (name: string, ...members: string[]) =>
    client.add(`cn=${name},ou=groups,${base}`, {
      objectClass: ["groupOfNames"],
      cn: name,
      member: members.map((cn) => `cn=${cn},ou=people,${base}`),
    });
  await group("builders", "Ann Kelp", "Ben Coral");
  await group("keepers", "Ann Kelp");
  await client.unbind();
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
