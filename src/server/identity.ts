// Other systems that vouch for people and jobs, as one configuration names them: the connections to them, and what the accounts' room makes of these.
import { createExchange, type Exchange } from "../auth/jobs/exchange.ts";
import type { Outside } from "../auth/login.ts";
import { openProvider, type Provider } from "../auth/oidc/provider.ts";
import type { Spelling } from "../auth/permissions.ts";
import { createKept } from "../cache/kept.ts";
import type { Config } from "../config/resolve.ts";
import { connectIssuer, type IssuerConnection } from "../upstream/issuer.ts";
import { ldapDirectory } from "../upstream/ldap.ts";
import type { Ground } from "./ground.ts";

export interface Identity {
  outside: Outside[];
  exchange: Exchange;
  /** What tokens of CI jobs are to be for; null while none is trusted. */
  audience: string | null;
  /** Where people log in through OpenID Connect; null where the configuration names none. */
  oidc: { provider: Provider; host: string; teams: Readonly<Record<string, string>> } | null;
  close(): void;
}

export function openIdentity(
  { login, trustedPublishers, offline }: Config,
  { log, upstreamMetrics: metrics, shared, auth, elapsed }: Ground,
  spelling: Spelling,
): Identity {
  const { now, database } = shared;
  const kept = createKept({ repository: "", database, now }); // of none, as the server's secrets
  const open: IssuerConnection[] = [];
  const connect = (settings: Parameters<typeof connectIssuer>[0]) => {
    const repository = "-"; // of none
    const made = connectIssuer(settings, { log, metrics, repository, now: elapsed, offline });
    open.push(made);
    return made.fetch;
  };
  const { oidc, ldap } = login;
  const outside: Outside[] = [];
  if (ldap) {
    const directory = ldapDirectory(ldap, (message) => log.write("warn", message));
    outside.push(async (name, password) => {
      const person = await directory.find(name, password);
      return person && auth.admit(person, ldap.teams);
    });
  }
  return {
    outside,
    exchange: createExchange({
      publishers: trustedPublishers,
      fetchOf(issuer) {
        const { ca } = trustedPublishers.find((one) => one.issuer === issuer)!;
        return connect({ issuer, ca });
      },
      memoryOf(issuer) {
        const key = `issuer keys ${issuer}`;
        return {
          read: async () => (await kept.kept(key))?.bytes ?? null,
          write: (bytes) => kept.keep(key, bytes),
        };
      },
      directory: auth.directory,
      audit: auth.audit,
      spelling,
      now,
    }),
    audience: audienceOf(trustedPublishers),
    oidc: oidc && {
      provider: openProvider(
        oidc,
        connect({ issuer: oidc.issuer, hosts: oidc.hosts, ca: oidc.ca }),
        now,
      ),
      host: new URL(oidc.issuer).host,
      teams: oidc.teams,
    },
    close() {
      for (const one of open) one.close();
    },
  };
}

/** npm makes its own of the server's name. */
function audienceOf(publishers: Config["trustedPublishers"]): string | null {
  const all = publishers.flatMap(({ audiences }) => audiences);
  return all.find((one) => !one.startsWith("npm:")) ?? null;
}
