// Names and passwords, from whichever door they come: Basic, npm's log-in, a page.
import type { Audit } from "../core/audit.ts";
import { nobody } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import type { Directory, User } from "./directory.ts";
import { spellUser } from "./names.ts";
import { isOutdated, type Passwords } from "./passwords.ts";
import { looksLikeSecret } from "./secret.ts";
import type { Throttle } from "./throttle.ts";

/**
 * A system elsewhere that knows names and passwords (LDAP): the user here that it vouches for, made when there was none. Null when it does not know
 * the two. Throws Problem("unreachable") when it cannot be asked.
 */
export type Outside = (name: string, password: string) => Promise<User | null>;

export interface LogIns {
  /**
   * Whose name and password they are. Throws Problem("unauthenticated") for wrong ones, and says not which of the two is wrong;
   * Problem("tooMany") after too many of them. `isProven`: the two were right a while ago, so that they are no guess whoever guesses beside them.
   */
  check(name: string, password: string, address: string, isProven?: boolean): Promise<User>;
}

export interface LogInDeps {
  directory: Directory;
  passwords: Passwords;
  throttle: Throttle;
  audit: Audit;
  outside: readonly Outside[];
}

export function createLogIns(deps: LogInDeps): LogIns {
  const { directory, passwords, throttle } = deps;

  async function find(name: string, password: string): Promise<User | null> {
    const user = directory.current().users.get(name) ?? null;
    if (user?.password || deps.outside.length === 0) {
      const isRight = await passwords.verify(password, user?.password ?? null);
      return isRight ? user : null;
    }
    for (const ask of deps.outside) {
      const found = password === "" ? null : await ask(name, password);
      if (found) return found;
    }
    return null;
  }

  async function renew(user: User, password: string): Promise<User> {
    if (!user.password || !isOutdated(user.password)) return user;
    const hash = await passwords.hash(password);
    await directory.change(
      (sql) =>
        sql`UPDATE users SET password = ${hash} WHERE name = ${user.name} AND password = ${user.password}`,
    );
    return directory.current().users.get(user.name) ?? user;
  }

  return {
    async check(typed, password, address, isProven = false) {
      const name = spellUser(typed).slice(0, 200);
      const wait = isProven ? 0 : throttle.check(name, address);
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const user = await find(name, password);
      if (user === null || user.disabledAt !== null) {
        throttle.failed(name, address);
        const principal = { ...nobody, address };
        // A token in the place of a name is a slip that must not be kept.
        const detail = { name: looksLikeSecret(name) ? "hf_…" : name };
        deps.audit.note({ action: "log in failed", principal, detail });
        throw new Problem("unauthenticated", "The name or the password is wrong", {
          rule: "login",
        });
      }
      throttle.succeeded(name, address);
      return renew(user, password);
    },
  };
}
