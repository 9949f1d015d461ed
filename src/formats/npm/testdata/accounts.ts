// Accounts in memory, for the tests of this format: ann has a password, and whoever asks is ann.
import type { Accounts, IssuedToken, Profile, Token, TokenWish } from "../../../core/accounts.ts";
import { nobody } from "../../../core/principal.ts";
import { Problem } from "../../../core/problem.ts";

export interface FakeAccounts extends Accounts {
  readonly issued: IssuedToken[];
  /** What was given or taken: "user ben admin". */
  readonly allowed: string[];
  /** Log-ins that a person approved. */
  readonly approved: Set<string>;
  /** What `exchange` was asked. */
  readonly exchanged: unknown[];
  known: Profile | null;
  /** Whether who polls is held. */
  hasPlace: boolean;
}

export const PASSWORD = "correct horse";

export function createFakeAccounts(): FakeAccounts {
  const issued: IssuedToken[] = [];
  const allowed: string[] = [];
  const approved = new Set<string>();
  const exchanged: unknown[] = [];
  const at = Date.UTC(2026, 10, 26, 12);

  function issue(wish: TokenWish): IssuedToken {
    const id = `t${issued.length + 1}`;
    const secret = `hf_secret${id}`;
    const token = { ...wish, id, secret, prefix: secret.slice(0, 9), owner: "ann" };
    const all = { ...token, createdAt: at, lastUsedAt: null };
    issued.push(all);
    return all;
  }

  const accounts: FakeAccounts = {
    issued,
    allowed,
    approved,
    exchanged,
    hasPlace: false,
    known: {
      name: "ann",
      email: "ann@reef.example.test",
      fullName: "Ann",
      createdAt: at,
      changedAt: at,
      hasPassword: true,
    },
    caller: { ...nobody, kind: "user", name: "ann" },
    profile: async () => accounts.known,
    async changeProfile({ password, ...change }) {
      if (password && password.old !== PASSWORD)
        throw new Problem("forbidden", "The password is wrong");
      accounts.known = { ...accounts.known!, ...change };
      return accounts.known;
    },
    user: async (name) =>
      ["ann", "ben"].includes(name) ? { name, email: `${name}@reef.example.test` } : null,
    async logIn(name, password, wish) {
      if (name !== "ann" || password !== PASSWORD)
        throw new Problem("unauthenticated", "The name or the password is wrong");
      return issue(wish);
    },
    beginLogin: async () => ({ id: "hf_login1", page: "/-/login/abc" }),
    async endLogin(id) {
      if (id !== "hf_login1") throw new Problem("notFound", "There is no such log-in");
      const wish = { name: "web", cidrs: [], expiresAt: null };
      const scope = { repositories: null, packages: null, actions: null };
      return approved.has(id) ? issue({ ...wish, scope }) : null;
    },
    awaitLogin: async () => accounts.hasPlace,
    tokens: async () => issued as Token[],
    async issueToken(wish, password) {
      if (password !== undefined && password !== PASSWORD)
        throw new Problem("forbidden", "The password is wrong");
      return issue(wish);
    },
    async revokeToken(idOrSecret) {
      const place = issued.findIndex(({ id, secret }) => [id, secret].includes(idOrSecret));
      if (place >= 0) issued.splice(place, 1);
      return place >= 0;
    },
    async exchange(...asked) {
      exchanged.push(asked);
      return issue({ name: "ci", cidrs: [], expiresAt: at, scope: { repositories: null, packages: null, actions: null } });
    },
    holders: async () => [
      { kind: "user", name: "ann", email: "", actions: ["admin"] },
      { kind: "user", name: "ben", email: "", actions: ["read"] },
      { kind: "team", name: "web", email: "", actions: ["publish"] },
    ],
    async allow(_repository, _name, { kind, name }, actions) {
      allowed.push([kind, name, ...actions].join(" "));
    },
    teams: async () => ["web"],
    members: async () => ["ann", "ben"],
  };
  return accounts;
}
