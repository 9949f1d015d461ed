import { expect, test } from "bun:test";
import { Database, resolveDatabase, writtenDatabase } from "./database.ts";

/** What is made of it, or what was complained of. */
function resolved(value: unknown) {
  const parsed = Database.safeParse(value);
  if (!parsed.success) return JSON.stringify(parsed.error.issues);
  const complaints: string[] = [];
  const reader = {
    secret: (given: { passwordFile?: string }) => (given.passwordFile ? "secret" : null),
    path: (file: string) => `/etc/${file}`,
    pem: (file?: string) => (file ? "PEM" : undefined),
  };
  const found = resolveDatabase(parsed.data, reader as never, (path, message) => {
    complaints.push(`${path.join(".")} ${message}`);
  });
  return complaints.length > 0 ? complaints.join("; ") : found;
}

const plain = {
  port: 5432,
  database: "holdfast",
  password: null,
  passwordFile: null,
  connections: 5,
};

test("without it there is none", () => expect(resolved(undefined)).toBe(null));

const good: [written: unknown, place: object, shown: string][] = [
  [
    "postgres://ann@db.example.com/holdfast",
    { host: "db.example.com", user: "ann", tls: { ca: null } },
    "postgres://ann@db.example.com:5432/holdfast",
  ],
  [
    "postgresql://ann@[2001:db8::1]:80/holdfast",
    { host: "2001:db8::1", port: 80, user: "ann", tls: { ca: null } },
    "postgres://ann@[2001:db8::1]:80/holdfast",
  ],
  [
    "postgres://ann@127.0.0.1/holdfast",
    { host: "127.0.0.1", user: "ann", tls: null },
    "postgres://ann@127.0.0.1:5432/holdfast",
  ],
  [
    "postgres://a,b@127.0.0.1/holdfast",
    { host: "127.0.0.1", user: "a,b", tls: null },
    "postgres://a%2Cb@127.0.0.1:5432/holdfast",
  ],
  [
    "postgres://a%40b@/holdfast?host=/run/postgresql",
    { host: "/run/postgresql", user: "a@b", tls: null },
    "postgres://a%40b@/holdfast?host=/run/postgresql",
  ],
  [
    {
      url: "postgres://ann@db.example.com/holdfast",
      passwordFile: "p",
      ca: "c",
      connections: 20,
    },
    {
      host: "db.example.com",
      user: "ann",
      password: "secret",
      passwordFile: "/etc/p",
      tls: { ca: "PEM" },
      connections: 20,
    },
    "postgres://ann@db.example.com:5432/holdfast",
  ],
];
for (const [written, place, shown] of good)
  test(JSON.stringify(written), () => {
    const found = resolved(written);
    expect(found).toEqual({ ...plain, ...place } as never);
    expect(writtenDatabase(found as never).url).toBe(shown);
  });

const url = "postgres://ann@db.example.com/holdfast";
const bad: [written: unknown, why: string][] = [
  ["mysql://ann@db.example.com/holdfast", "expected postgres://"],
  ["postgres://db.example.com/holdfast", "expected postgres://"],
  ["postgres://ann@db.example.com", "expected postgres://"],
  ["postgres://ann@db.example.com/a/b", "expected postgres://"],
  ["postgres://ann@/holdfast", "expected postgres://"],
  ["postgres://ann@/holdfast?host=db.example.com", "expected postgres://"],
  ["postgres://ann@db.example.com/holdfast?host=/run", "expected postgres://"],
  ["postgres://ann@db.example.com/holdfast?sslmode=require", "expected postgres://"],
  ["postgres://a%ZZ@db.example.com/holdfast", "expected postgres://"],
  ["postgres://ann:secret@db.example.com/holdfast", "a password does not belong in here"],
  [
    "postgres://ann@one.example.com,two.example.com/holdfast",
    "several servers are not tried in turn",
  ],
  [
    "postgres://ann@one.example.com:5432,two.example.com:5433/holdfast",
    "several servers are not tried in turn",
  ],
  [
    "postgres://ann@db.example.com/holdfast?target_session_attrs=read-write",
    "several servers are not tried in turn",
  ],
  ["postgres://ann@/holdfast?host=/run/one,/run/two", "several servers are not tried in turn"],
  [{ url, connections: 1 }, "2 at least"],
  [{ url, tls: "off", passwordFile: "p" }, "the password would travel in the clear"],
  [{ url, tls: "off", ca: "c" }, "has no meaning where tls is off"],
  [{ url: "postgres://ann@/holdfast?host=/run", tls: "verify" }, "knows no TLS"],
];
for (const [written, why] of bad)
  test(`${JSON.stringify(written)} is refused`, () => expect(resolved(written)).toContain(why));
