// What the pages about people are given of the accounts' room, for one configuration.
import { attemptOf, isState, newAttemptSecret } from "../auth/oidc/attempt.ts";
import type { Auth } from "../auth/room.ts";
import { isOurs } from "../auth/sessions.ts";
import { Problem } from "../core/problem.ts";
import type { OtherDoor, PeopleDeps } from "../web/people/deps.ts";
import type { SiteRequest } from "../web/request.ts";
import type { Identity } from "./identity.ts";
import type { Held } from "./mounts.ts";

const DONE = "/-/login/oidc/done";

export function peopleOf(
  auth: Auth,
  { oidc, exchange, audience }: Identity,
  repositories: readonly Pick<Held, "name" | "format">[],
  now: () => number,
): PeopleDeps {
  const credentials = (request: SiteRequest) => ({ ...asked(request), path: "/-/" });
  return {
    logIn: async (name, password, address) => {
      const user = await auth.logIns.check(name, password, address);
      note(auth, user.name, address);
      return user.name;
    },
    begin: (user, request) => auth.sessions.begin(user, request),
    end: (request) => auth.sessions.end(credentials(request)),
    isFresh: (request) => auth.sessions.isFresh(credentials(request)),
    isOurs: (request) => isOurs(asked(request)),
    needsSetup: () => auth.setup.code() !== null,
    claim: auth.setup.claim,
    invitation: {
      find: auth.invitations.find,
      async use(code, password, address) {
        const user = await auth.invitations.use(code, password, address);
        note(auth, user, address);
        return user;
      },
    },
    waiting: auth.pending.find,
    decide: auth.pending.decide,
    accounts: auth.accounts,
    once: auth.once,
    other: oidc && otherDoor(auth, oidc),
    audience,
    repositoriesOf: (way) =>
      repositories
        .filter(({ format }) => way === null || format.exchange === way)
        .map(({ name }) => name),
    exchange,
    now,
  };
}

function otherDoor(
  auth: Auth,
  { provider, host, teams }: NonNullable<Identity["oidc"]>,
): OtherDoor {
  return {
    host,
    async begin({ origin }, isAgain) {
      const secret = newAttemptSecret();
      const location = await provider.begin(`${origin}${DONE}`, attemptOf(secret)!, isAgain);
      return { location, secret };
    },
    async end({ origin, query, address }, secret) {
      const attempt = attemptOf(secret);
      const state = new URLSearchParams(query).get("state") ?? "";
      if (!attempt || !isState(attempt, state))
        throw new Problem(
          "unauthenticated",
          "This browser did not begin that log-in, or it took too long: begin again",
          { rule: "oidc" },
        );
      const person = await provider.end(`${origin}${DONE}?${query}`, attempt);
      const user = await auth.admit(person, teams);
      if (user.disabledAt !== null)
        throw new Problem("unauthenticated", `${user.name} may do nothing here any more`, {
          rule: "login",
        });
      note(auth, user.name, address);
      return user.name;
    },
  };
}

/** The parts of a request that tell whose page it comes from. */
function asked({ method, origin, address, header }: SiteRequest) {
  return { method, origin, address, header };
}

function note(auth: Auth, name: string, address: string): void {
  auth.audit.note({ action: "log in", principal: { kind: "user", name, token: null, address } });
}
