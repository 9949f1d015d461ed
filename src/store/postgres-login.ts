// How this server logs in to a PostgreSQL: with the password of that moment, and not again at once after it was refused. Who is refused too often may be locked out.
import { readFile } from "node:fs/promises";
import { stateOf } from "./postgres-errors.ts";

/** Milliseconds until the next attempt: twice as many after each that is refused. */
const PAUSES = { first: 500, longest: 5_000 };

/** Of SQLSTATE, where no connection came about: the user or its password, the database's name, the right to use it. */
const REFUSED = /^(28|3D000$|42501$)/;

interface Place {
  password: string | null;
  passwordFile: string | null;
}

interface Account {
  /** With which password it was tried last. */
  tried: string | null;
  refusal: { error: Error; pauseMs: number; until: number } | null;
  isFileMissed: boolean;
  warn(message: string): void;
}

/** Shared by all connections to the place: it is one user that they log in as. */
const accounts = new WeakMap<Place, Account>();

function accountAt(place: Place): Account {
  let account = accounts.get(place);
  if (!account) {
    account = { tried: null, refusal: null, isFileMissed: false, warn() {} };
    accounts.set(place, account);
  }
  return account;
}

/** Warns when the file of the password cannot be read any more: once, until it could be read again. */
export function warnOfPassword(place: Place, warn: Account["warn"]): void {
  accountAt(place).warn = warn;
}

/** Those that are handed on to whoever asks meanwhile come back as the end of a connection that never was. */
const known = new WeakSet<Error>();

export interface Login {
  /** For a connection that is about to be made: where this rejects, none is. It does so after a refusal, with what was said then, until it is time to try again. */
  password(): Promise<string>;
  succeeded(): void;
  /** A connection ended, or none came about. */
  failed(error: unknown): void;
}

export function loginTo(place: Place): Login {
  const account = accountAt(place);
  return {
    async password() {
      const password = await passwordOf(place, account);
      const { refusal } = account;
      if (refusal) {
        const isOther = password !== account.tried;
        if (!isOther && performance.now() < refusal.until) throw refusal.error;
        // This one tries it, and all others wait for what comes of it.
        refusal.pauseMs = isOther ? PAUSES.first : Math.min(refusal.pauseMs * 2, PAUSES.longest);
        refusal.until = performance.now() + refusal.pauseMs;
      }
      account.tried = password;
      return password;
    },
    succeeded() {
      account.refusal = null;
    },
    failed(error) {
      if (!(error instanceof Error) || known.has(error) || !REFUSED.test(stateOf(error))) return;
      known.add(error);
      const first = { pauseMs: PAUSES.first, until: performance.now() + PAUSES.first };
      account.refusal = { ...first, ...account.refusal, error }; // several may have been under way at once
    },
  };
}

/** What cannot be read is as it was: it may be about to be replaced. */
async function passwordOf({ password, passwordFile }: Place, account: Account): Promise<string> {
  if (!passwordFile) return password ?? "";
  const text = await readFile(passwordFile, "utf8").catch(() => "");
  const read = text.replace(/\r?\n$/, "");
  if (read === "" && !account.isFileMissed)
    account.warn(
      `The database's password is the one of the start or the last reload: ${passwordFile} cannot be read, or is empty`,
    );
  account.isFileMissed = read === "";
  return read || (password ?? "");
}
