// What a page shows once, after the form that made it was sent: kept until then, so that loading the page again makes nothing again and shows nothing. In the
// database, for another server may answer the page; sealed, so that nobody who reads that has what the page shows.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import type { Database } from "../store/database.ts";

/** A browser follows within seconds; one that never does leaves nothing behind. */
const LIFE_MS = 60_000;
const MOST = 1_000;
const CIPHER = "aes-128-gcm";
const TAG_BYTES = 16;
/** Each key seals one text. */
const NONCE = Buffer.alloc(12);

export interface OneTime {
  /** Keeps it for this user, and returns what it is fetched with. */
  put(user: string, text: string): Promise<string>;
  /** Null once it was taken, for somebody else, and after a minute. */
  take(user: string, key: string): Promise<string | null>;
}

export function createOneTime(database: Database, now: () => number, most = MOST): OneTime {
  return {
    async put(user, text) {
      const secret = randomBytes(16);
      await database.write(async (sql) => {
        await sql`DELETE FROM shown_once WHERE ends_at <= ${now()}`;
        const [{ total }] = await sql`SELECT count(*) AS total FROM shown_once`;
        if (Number(total) >= most) await sql`DELETE FROM shown_once`;
        await sql`INSERT INTO shown_once (id, user_name, sealed, ends_at)
          VALUES (${idOf(secret)}, ${user}, ${seal(secret, text)}, ${now() + LIFE_MS})`;
      });
      return secret.toString("base64url");
    },
    async take(user, key) {
      const secret = Buffer.from(key, "base64url");
      if (secret.length !== 16) return null;
      const [row] = await database.write(
        (sql) => sql`DELETE FROM shown_once WHERE id = ${idOf(secret)} AND user_name = ${user}
          RETURNING sealed, ends_at`,
      );
      return row && now() < Number(row.ends_at) ? unseal(secret, row.sealed) : null;
    },
  };
}

function idOf(secret: Uint8Array): string {
  return createHash("sha256").update(secret).digest("hex");
}

function seal(secret: Uint8Array, text: string): Uint8Array {
  const cipher = createCipheriv(CIPHER, secret, NONCE);
  return Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
}

function unseal(secret: Uint8Array, sealed: Uint8Array): string {
  const decipher = createDecipheriv(CIPHER, secret, NONCE);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const text = decipher.update(sealed.subarray(0, -TAG_BYTES));
  return Buffer.concat([text, decipher.final()]).toString();
}
