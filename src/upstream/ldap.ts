// A directory of people over LDAP: found by their name, proven by a bind with their password. RFC 4511, RFC 4513, RFC 4515.
import { isIP } from "node:net";
import { rootCertificates } from "node:tls";
import {
  Client,
  type Entry,
  InvalidCredentialsError,
  NoSuchObjectError,
  ResultCodeError,
  SizeLimitExceededError,
} from "ldapts";
import { wordsFor } from "../core/connection.ts";
import type { Directory, Person } from "../core/identity.ts";
import { Problem } from "../core/problem.ts";

export interface LdapSettings {
  /** ldap:// or ldaps:// */
  url: string;
  startTls: boolean;
  /** PEM, beside the public authorities. */
  ca?: string | undefined;
  /** Who looks for people; without it that is done without a name. */
  bindDn?: string | undefined;
  bindPassword?: string | undefined;
  /** Where people stand, at any depth. */
  base: string;
  /** Finds one by `{name}`. */
  filter: string;
  attributes: { name: string; email: string; fullName: string; id: string };
  /** Where groups are found that name their members by `{dn}` or `{name}`, or the attribute that a person has of them; null: not asked. */
  groups: { base: string; filter: string; name: string } | { attribute: string } | null;
  timeoutMs: number;
}

/**
 * Result codes by which directories say that these credentials are not enough: RFC 4511 §4.1.9, draft-behera-ldap-password-policy. 32 (no such object):
 * 389 Directory Server before 1.4.4 of a name that nobody has.
 */
const NOT_ENOUGH = new Set([19, 32, 34, 48, 49, 50, 53]);
/** What others are for people; beside the directory's own words, which may be none. */
const RESULTS: Readonly<Record<number, string>> = {
  3: "it took too long",
  4: "it finds more than it gives (login.ldap.groupFilter)",
  8: "it wants a stronger log-in (login.ldap.startTls)",
  10: "it refers to another directory",
  13: "it wants TLS (login.ldap.startTls)",
  50: "it does not allow that (login.ldap.bindDn)",
  51: "it is busy",
  52: "it is not available now",
  53: "it is not willing to do that",
};
/** An entry with more is none of a person's. */
const MOST_GROUPS = 1000;
const NAME_LIMIT = 256;

/** `warn` is told what is wrong with the configuration or the directory, and nobody else could tell. */
export function ldapDirectory(settings: LdapSettings, warn: (message: string) => void): Directory {
  const { host } = new URL(settings.url);

  function unreachable(why: string, cause: unknown): Problem {
    return new Problem("unreachable", `The directory ${host} ${why}`, { rule: "ldap", cause });
  }

  /** Where it is to look for people or groups: a mistake there makes nobody's password wrong. */
  function nothingThere(key: "base" | "groupBase", base: string, cause: unknown): Problem {
    const to = settings.bindDn === undefined ? "who gives no name" : "login.ldap.bindDn";
    return unreachable(`shows nothing at login.ldap.${key}, ${base}, to ${to}`, cause);
  }

  /** One connection a log-in: logins are rare, since what was right is remembered. */
  async function connected<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = clientOf(settings);
    const { promise: late, reject } = Promise.withResolvers<never>();
    // The library's own limits know nothing of a handshake that hangs.
    const timer = setTimeout(
      () => reject(new Error("it does not answer in time")),
      settings.timeoutMs * 2,
    );
    const ask = async () => {
      if (settings.startTls) await client.startTLS(tlsOf(settings));
      return work(client);
    };
    try {
      return await Promise.race([ask(), late]);
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw unreachable(`cannot be asked: ${whyOf(error)}`, error);
    } finally {
      clearTimeout(timer);
      client.unbind().catch(() => undefined); // nobody waits for a goodbye
    }
  }

  async function bindOwn(client: Client): Promise<void> {
    const { bindDn, bindPassword } = settings;
    if (bindDn === undefined) return;
    try {
      await client.bind(bindDn, bindPassword ?? "");
    } catch (error) {
      if (!(error instanceof InvalidCredentialsError)) throw error;
      throw unreachable("does not accept login.ldap.bindDn", error);
    }
  }

  async function entryOf(client: Client, name: string): Promise<Entry | null> {
    const { attributes, groups } = settings;
    const wanted = [...Object.values(attributes)];
    if (groups && "attribute" in groups) wanted.push(groups.attribute);
    try {
      const { searchEntries } = await client.search(settings.base, {
        scope: "sub",
        filter: fill(settings.filter, { name }),
        attributes: wanted.filter((one) => one !== "dn"),
        explicitBufferAttributes: [...BINARY],
        sizeLimit: 2,
      });
      if (searchEntries.length > 1) throw new SizeLimitExceededError();
      return searchEntries[0] ?? null;
    } catch (error) {
      if (error instanceof NoSuchObjectError) throw nothingThere("base", settings.base, error);
      if (!(error instanceof SizeLimitExceededError)) throw error;
      warn("login.ldap.filter finds several people of one name: none of them can log in");
      return null;
    }
  }

  async function groupsOf(client: Client, entry: Entry, name: string): Promise<string[] | null> {
    const { groups } = settings;
    if (groups === null) return null;
    if ("attribute" in groups) return texts(entry[groups.attribute]).slice(0, MOST_GROUPS);
    const { base } = groups;
    const asked = client.search(base, {
      scope: "sub",
      filter: fill(groups.filter, { name, dn: entry.dn }),
      attributes: [groups.name],
      sizeLimit: MOST_GROUPS,
    });
    const { searchEntries } = await asked.catch((error) => {
      throw error instanceof NoSuchObjectError ? nothingThere("groupBase", base, error) : error;
    });
    return searchEntries.flatMap((group) => [group.dn, ...texts(group[groups.name])]);
  }

  async function isTheirs(client: Client, dn: string, password: string): Promise<boolean> {
    try {
      await client.bind(dn, password);
      return true;
    } catch (error) {
      if (error instanceof ResultCodeError && NOT_ENOUGH.has(error.code)) return false;
      throw error;
    }
  }

  return {
    async find(name, password) {
      // A bind without a password succeeds for every name: RFC 4513 §5.1.2.
      if (password === "" || name === "" || name.length > NAME_LIMIT || /\p{Cc}/u.test(name))
        return null;
      return connected(async (client) => {
        await bindOwn(client);
        const entry = await entryOf(client, name);
        // As many questions for a name that nobody has.
        const groups = await (entry && groupsOf(client, entry, name));
        const dn = entry?.dn ?? `cn=nobody,${settings.base}`;
        const isRight = await isTheirs(client, dn, password);
        return entry && isRight ? personOf(entry, groups) : null;
      });
    },
  };

  function personOf(entry: Entry, groups: string[] | null): Person {
    const { attributes } = settings;
    const first = (name: string) => texts(entry[name])[0] ?? "";
    return {
      issuer: settings.url,
      subject: first(attributes.id) || entry.dn.toLowerCase(),
      name: first(attributes.name),
      email: first(attributes.email),
      fullName: first(attributes.fullName),
      groups,
    };
  }
}

function whyOf(error: unknown): string {
  const { code, message = String(error) } = (error ?? {}) as { code?: unknown; message?: string };
  if (error instanceof ResultCodeError && RESULTS[error.code])
    return `${RESULTS[error.code]} (${message.trim()})`;
  return typeof code === "string" ? wordsFor(error) : message.trim();
}

const BINARY = ["objectGUID", "objectSid"];

function clientOf(settings: LdapSettings): Client {
  const isSecure = settings.url.startsWith("ldaps:");
  return new Client({
    url: settings.url,
    timeout: settings.timeoutMs,
    connectTimeout: settings.timeoutMs,
    strictDN: true,
    ...(isSecure && { tlsOptions: tlsOf(settings) }),
  });
}

function tlsOf({ url, ca }: LdapSettings) {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return {
    rejectUnauthorized: true,
    host,
    ...(isIP(host) ? {} : { servername: host }),
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
  };
}

/** Puts values into a filter, so that each is nothing but a value there. */
function fill(filter: string, values: Readonly<Record<string, string>>): string {
  return filter.replace(/\{(\w+)\}/g, (whole, key: string) =>
    values[key] === undefined ? whole : escapeFilter(values[key]),
  );
}

/** RFC 4515 §3 */
export function escapeFilter(text: string): string {
  return text.replace(
    /[\\*()\0]/g,
    (sign) => `\\${sign.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

function texts(value: Entry[string] | undefined): string[] {
  const all = value === undefined ? [] : Array.isArray(value) ? value : [value];
  return all.map((one) => (typeof one === "string" ? one : one.toString("hex")));
}
