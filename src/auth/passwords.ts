// Passwords: argon2id, a few at a time, and the same work for a name that nobody has.

import { Problem } from "../core/problem.ts";
import { verifyCrypt } from "./htpasswd/crypt.ts";
import { foreignForm } from "./htpasswd/file.ts";
import { looksLikeSecret } from "./secret.ts";

/** Each takes 64 MiB for a tenth of a second. */
const AT_ONCE = 2;
const WAITING = 64;
const SHORTEST = 8;
/** Longer ones only cost time. */
const LONGEST = 1024;

export interface Passwords {
  hash(password: string): Promise<string>;
  /** `stored`: null for a user who has none, or who does not exist. */
  verify(password: string, stored: string | null): Promise<boolean>;
}

export function createPasswords(): Passwords {
  let running = 0;
  const waiting: (() => void)[] = [];
  let decoy: Promise<string> | null = null;

  async function turn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= AT_ONCE) {
      if (waiting.length >= WAITING)
        throw new Problem("busy", "Too many log-ins at a time: try again in a moment");
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  }

  const hash = (password: string) => turn(() => Bun.password.hash(password, "argon2id"));
  return {
    hash,
    async verify(password, stored) {
      if (password === "" || password.length > LONGEST) return false;
      if (stored === null) {
        decoy ??= hash("nobody has this one");
        await decoy.then((other) => turn(() => Bun.password.verify(password, other)));
        return false;
      }
      return turn(() => verifyAny(password, stored));
    },
  };
}

/** Whether it should be hashed anew, now that the password is known. */
export function isOutdated(stored: string): boolean {
  return !stored.startsWith("$argon2id$");
}

/** Throws Problem("badRequest") for a password that is none. */
export function requirePassword(password: string): void {
  if (password.length < SHORTEST || password.length > LONGEST)
    throw new Problem(
      "badRequest",
      `A password has ${SHORTEST} to ${LONGEST} characters; this one has ${password.length}`,
    );
  // In Basic it would be taken for a token for ever.
  if (looksLikeSecret(password))
    throw new Problem("badRequest", "A password does not begin as tokens do, with hf_");
}

/** bcrypt looks at 72 bytes. Of more, Bun makes something else first, which no other program's hash would meet. */
async function verifyAny(password: string, stored: string): Promise<boolean> {
  const form = foreignForm(stored);
  if (form === "bcrypt")
    return Bun.password.verify(Buffer.from(password).subarray(0, 72), stored, "bcrypt");
  return form === null ? Bun.password.verify(password, stored) : verifyCrypt(password, stored);
}
