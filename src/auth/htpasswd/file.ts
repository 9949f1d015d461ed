// Files of users as htpasswd writes them: a name, a colon and the hash of a password a line.
import { type CryptForm, cryptForm } from "./crypt.ts";

export interface HtpasswdEntry {
  name: string;
  hash: string;
}

/** A line that cannot be taken over, and why. Tells nothing of the hash. */
export interface RefusedLine {
  line: number;
  /** Empty where the line has none. */
  name: string;
  reason: string;
}

export interface Htpasswd {
  entries: HtpasswdEntry[];
  refused: RefusedLine[];
}

const BCRYPT = /^\$2[abxy]?\$(\d\d)\$[./0-9A-Za-z]{53}$/;
/** bcrypt doubles its work with each: at 16 one password takes five seconds. */
const MOST_COST = 16;
const DES = /^[./0-9A-Za-z]{13}$/;

/** Which form a stored hash has; null for one that is not known here. */
export function foreignForm(hash: string): CryptForm | "bcrypt" | null {
  const bcrypt = BCRYPT.exec(hash);
  if (bcrypt) return Number(bcrypt[1]) <= MOST_COST ? "bcrypt" : null;
  return cryptForm(hash);
}

/** The last line of a name counts, as it does for httpd's own reader of files that were appended to. */
export function readHtpasswd(text: string): Htpasswd {
  const entries = new Map<string, HtpasswdEntry>();
  const refused: RefusedLine[] = [];
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const row = raw.trim();
    if (row === "" || row.startsWith("#")) continue;
    // Verdaccio appends a third field that says when and by whom.
    const [name = "", hash = ""] = row.split(":");
    const reason = whyNot(name, hash);
    if (reason) refused.push({ line: at + 1, name, reason });
    else entries.set(name, { name, hash });
  }
  return { entries: [...entries.values()], refused };
}

function whyNot(name: string, hash: string): string | null {
  if (name === "" || hash === "") return "it is no NAME:HASH";
  if (foreignForm(hash)) return null;
  if (BCRYPT.test(hash)) return `its bcrypt cost is above ${MOST_COST}`;
  if (/^\$[56]\$rounds=/.test(hash))
    return "its crypt has more rounds than are worked here, or is damaged";
  if (DES.test(hash))
    return "its password is hashed by DES crypt, which looks at eight characters: it needs a new one";
  if (hash.startsWith("$y$") || hash.startsWith("$7$"))
    return "yescrypt and scrypt are not known here";
  if (hash.startsWith("$") || hash.startsWith("{")) return "the form of its hash is not known here";
  return "its password stands there in clear, or in a form that is not known here";
}
