// Until there are accounts: nobody is logged in, and nobody can be.
import type { Accounts } from "../core/accounts.ts";
import type { Grant } from "../core/grant.ts";
import { Problem } from "../core/problem.ts";

async function refuse(): Promise<never> {
  throw new Problem("unauthenticated", "There are no accounts here: nobody is logged in");
}

export function noAccounts(grant: Grant): Accounts {
  return {
    caller: grant.principal,
    profile: async () => null,
    changeProfile: refuse,
    user: async () => null,
    logIn: refuse,
    beginLogin: refuse,
    endLogin: refuse,
    tokens: refuse,
    issueToken: refuse,
    revokeToken: refuse,
    exchange: refuse,
    holders: async () => [],
    allow: refuse,
    teams: refuse,
    members: refuse,
  };
}
