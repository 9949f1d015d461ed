// `database:`, where the catalog is: a file in the data directory, or a PostgreSQL.
import { z } from "zod";
import { Problem } from "../core/problem.ts";
import type { Path as At } from "./errors.ts";
import type { SecretReader } from "./login-resolve.ts";
import { EnvName, Path } from "./values.ts";

const PORT = 5432;
/** Stands for the host of a URL that has none. */
const SOCKET = "socket.invalid";
const FORM = "postgres://USER@HOST:PORT/DATABASE, or postgres://USER@/DATABASE?host=/FOLDER";

/** As libpq is told of several servers, of which it takes one that fits. */
const SEVERAL =
  /\/\/([^/?@]*@)?[^/?@]*,[^/?@]*([/?]|$)|[?&](host=[^&]*(,|%2c)|(target_session_attrs|load_balance_hosts)=)/i;

/** Null when it is no such URL. */
function partsOf(text: string) {
  const rest = /^postgres(?:ql)?:\/\/(.*)$/.exec(text)?.[1];
  if (rest === undefined) return null;
  // No host is good to libpq, where a socket's folder stands behind, and to no URL.
  const url = URL.parse(`postgres://${rest.replace(/^([^/]*@)?\//, `$1${SOCKET}/`)}`);
  if (url === null || url.hash !== "") return null;
  const query = [...url.searchParams];
  const folder = url.searchParams.get("host");
  if (query.length > 1 || (query.length === 1 && !folder?.startsWith("/"))) return null;
  if ((url.hostname === SOCKET) !== (folder !== null)) return null;
  try {
    return {
      host: folder ?? url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(url.port || PORT),
      user: decodeURIComponent(url.username),
      password: url.password,
      database: decodeURIComponent(url.pathname.slice(1)),
    };
  } catch {
    return null; // a % that is none
  }
}

const PostgresUrl = z
  .string()
  .refine((text) => !SEVERAL.test(text), {
    error:
      "several servers are not tried in turn: name an address that leads to the one that takes writes (docs/scale.md, When the database fails over)",
    abort: true,
  })
  .refine((text) => {
    const parts = partsOf(text);
    return parts !== null && parts.user !== "" && /^[^/]+$/.test(parts.database);
  }, `expected ${FORM}`)
  .refine(
    (text) => !partsOf(text)?.password,
    "a password does not belong in here: use passwordFile or passwordEnv beside url",
  )
  .meta({ title: "URL" });

export const Database = z
  .union([
    PostgresUrl,
    z.strictObject({
      url: PostgresUrl.describe(`The PostgreSQL: ${FORM}`).meta({
        examples: ["postgres://holdfast@db.example.com/holdfast"],
      }),
      passwordFile: Path.optional()
        .describe("File that holds the password")
        .meta({ examples: ["/run/secrets/database"] }),
      passwordEnv: EnvName.optional()
        .describe("Environment variable that holds the password")
        .meta({ examples: ["DATABASE_PASSWORD"] }),
      tls: z
        .enum(["verify", "off"])
        .optional()
        .describe(
          "`verify` takes a certificate for the name in `url`. Without it `off` for a socket and this machine, `verify` for others",
        ),
      ca: Path.optional()
        .describe("PEM file with the database's certificate authority, in place of the system's")
        .meta({ examples: ["/etc/ssl/company.pem"] }),
      connections: z
        .int()
        .min(2, "must be 2 at least: one to write, and one to read")
        .max(100)
        .default(5)
        .describe(
          "At most so many connections of this server: one to write, the others to read. Up to three more listen, beat and watch",
        ),
    }),
  ])
  .optional()
  .describe(
    "A PostgreSQL for the catalog, in place of a file in the data directory. Stored files stay in the data directory. docs/scale.md tells more",
  )
  .meta({ examples: ["postgres://holdfast@db.example.com/holdfast"] });

/** As store/postgres.ts takes it. */
export interface DatabaseConfig {
  /** A host name, or the folder of a socket. */
  host: string;
  port: number;
  database: string;
  user: string;
  password: string | null;
  /** Where it was read, and can be read again; null where it is not in a file. */
  passwordFile: string | null;
  /** Null: nothing is encrypted. */
  tls: { ca: string | null } | null;
  connections: number;
}

export function resolveDatabase(
  given: z.infer<typeof Database>,
  read: Pick<SecretReader, "secret" | "pem" | "path">,
  complain: (path: At, message: string) => void,
): DatabaseConfig | null {
  if (given === undefined) return null;
  const at = ["database"];
  const input: Exclude<typeof given, string> =
    typeof given === "string" ? { url: given, connections: 5 } : given;
  const { password: _, ...place } = partsOf(input.url)!;
  const password = read.secret(input, "password", at);
  const ca = read.pem(input.ca, [...at, "ca"]) ?? null;
  const isHere = place.host.startsWith("/") || /^(localhost|127(\.\d+){3}|::1)$/.test(place.host);
  const isEncrypted = (input.tls ?? (isHere && ca === null ? "off" : "verify")) === "verify";
  if (!isEncrypted && ca !== null) complain([...at, "ca"], "has no meaning where tls is off");
  if (!isEncrypted && !isHere && password !== null)
    complain([...at, "tls"], "the password would travel in the clear");
  if (isEncrypted && place.host.startsWith("/"))
    complain([...at, "tls"], "a socket of this machine knows no TLS");
  return {
    ...place,
    password,
    passwordFile: input.passwordFile === undefined ? null : read.path(input.passwordFile),
    tls: isEncrypted ? { ca } : null,
    connections: input.connections,
  };
}

/** In the words of the file, without the password. */
export function writtenDatabase(place: DatabaseConfig) {
  const { host, port, database, user, password, tls, connections } = place;
  const where = host.startsWith("/")
    ? `${encodeURIComponent(user)}@/${encodeURIComponent(database)}?host=${host}`
    : `${encodeURIComponent(user)}@${host.includes(":") ? `[${host}]` : host}:${port}/${encodeURIComponent(database)}`;
  return {
    url: `postgres://${where}`,
    ...(password !== null && { password: "***" }),
    tls: tls ? "verify" : "off",
    connections,
  };
}

/** A PostgreSQL that a URL alone tells all of. Throws Problem("badRequest"). */
export function databaseAt(url: string): DatabaseConfig {
  const { error } = PostgresUrl.safeParse(url);
  if (error) throw new Problem("badRequest", error.issues[0]!.message);
  const nothing = { secret: () => null, pem: () => undefined, path: (path: string) => path };
  return resolveDatabase(url, nothing, (at, message) => {
    throw new Problem("badRequest", `${at.join(".")} ${message}`);
  })!;
}
