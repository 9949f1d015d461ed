// For the tests of this room: the room on a database of its own, with a clock that the test moves.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AccessRules, noRules } from "../core/access.ts";
import type { TokenWish } from "../core/accounts.ts";
import type { Grant } from "../core/grant.ts";
import { createLog } from "../core/log.ts";
import { createChanges } from "../store/changes.ts";
import type { Database } from "../store/database.ts";
import { openTestDatabase } from "../store/testkit.ts";
import type { Gate } from "./gate.ts";
import { type Auth, openAuth } from "./room.ts";

export interface TestAuth {
  readonly auth: Auth;
  readonly database: Database;
  clock: number;
  /** What there is to be waited for until all is known that other servers changed. */
  behind: Promise<number> | null;
  /** A gate of a configuration that says this. */
  use(rules?: Partial<AccessRules>): Gate;
  close(): Promise<void>;
}

/** `closed`: why accounts cannot be changed. */
export async function openTestAuth(closed: string | null = null): Promise<TestAuth> {
  const root = mkdtempSync(join(tmpdir(), "holdfast-auth-"));
  const database = await openTestDatabase(join(root, "holdfast.db"));
  const log = createLog("json", () => {});
  const open: Gate[] = [];
  const kit: Pick<TestAuth, "clock" | "behind"> = { clock: Date.UTC(2026, 10, 26), behind: null };
  const changes = { ...createChanges(), behind: () => kit.behind };
  const auth = await openAuth({ database, changes, log, now: () => kit.clock, closed });
  return Object.assign(kit, {
    auth,
    database,
    use(rules: Partial<AccessRules> = {}) {
      const spelling = () => (name: string) => name.toLowerCase().replaceAll("_", "-");
      const gate = auth.use({ access: { ...noRules, ...rules }, spelling });
      open.push(gate);
      return gate;
    },
    async close() {
      for (const gate of open) gate.close!();
      await auth.audit.settled();
      await database.close();
      rmSync(root, { recursive: true, force: true });
    },
  });
}

/** What the gate says of a request for a package. */
export function ask(
  gate: Gate,
  header: string | null,
  address = "10.0.0.1",
): Grant | Promise<Grant> {
  return gate.identify({
    method: "GET",
    path: "/npm/x",
    origin: "http://x",
    address,
    header: (name) => (name === "authorization" ? header : null),
  });
}

export const basic = (name: string, password: string) => `Basic ${btoa(`${name}:${password}`)}`;

/** What the grant allows with one package. */
export function may(grant: Grant): string[] {
  return (["read", "publish", "unpublish", "admin"] as const).filter((action) =>
    grant.may("npm", action, "@acme/app"),
  );
}

export function wish(more: Partial<TokenWish> = {}): TokenWish {
  return {
    name: "laptop",
    scope: { repositories: null, packages: null, actions: null },
    cidrs: [],
    expiresAt: null,
    ...more,
  };
}
