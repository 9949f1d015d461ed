// The first administrator: made with a code that the log of a server without users tells, as whoever reads that runs the server.
import { randomInt, timingSafeEqual } from "node:crypto";
import type { Principal } from "../core/principal.ts";
import { Problem } from "../core/problem.ts";
import type { Admin } from "./admin.ts";
import type { Directory } from "./directory.ts";

/** Without what is mistaken for something else. Twelve of them are 57 bits, for as long as this process runs: too many to try. */
const LETTERS = "BCDFGHJKLMNPQRSTVWXZ2345679";
const LENGTH = 12;

export interface Setup {
  /** Null once there is a user. Another one in each process. */
  code(): string | null;
  /** Makes the first administrator. Throws Problem("forbidden") for a wrong code, and once there is a user. */
  claim(code: string, name: string, password: string, address: string): Promise<void>;
}

/** `isClosed`: accounts are made elsewhere. */
export function createSetup(directory: Directory, admin: Admin, isClosed = false): Setup {
  let code = makeCode();
  let claiming = false;
  const isNeeded = () => !isClosed && directory.current().users.size === 0;
  return {
    code: () => (isNeeded() ? code : null),
    async claim(typed, name, password, address) {
      if (!isNeeded() || claiming)
        throw new Problem("forbidden", "There is an administrator already: log in, or ask them");
      if (!isSame(typed.toUpperCase().replace(/[^A-Z0-9]/g, ""), code.replaceAll("-", "")))
        throw new Problem("forbidden", "This is not the code that the server's log tells");
      claiming = true;
      try {
        const by: Principal = { kind: "user", name, token: null, address };
        await admin.addUser(by, { name, password }, true);
        code = makeCode();
      } finally {
        claiming = false;
      }
    },
  };
}

function makeCode(): string {
  const letters = Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]);
  return letters.join("").replace(/(.{4})(?=.)/g, "$1-");
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
