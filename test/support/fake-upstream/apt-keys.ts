// Throw-away OpenPGP keys of the fake archives, and what is signed with them. RFC 9580; Release.gpg and InRelease as apt-secure(8) has them.
import {
  createCleartextMessage,
  createMessage,
  generateKey,
  type PrivateKey,
  readPrivateKey,
  sign,
} from "openpgp";

export interface AptKey {
  /** The public key, armored. */
  readonly armored: string;
  /** A clear-signed text: InRelease. */
  inline(text: string, date: Date): Promise<string>;
  /** An armored signature: Release.gpg. */
  detached(text: string, date: Date): Promise<string>;
}

export interface AptKeys {
  /** What the archives are signed with. */
  archive: AptKey;
  /** Somebody else's. */
  forger: AptKey;
}

/** Before anything that is signed. */
const BORN = new Date(Date.UTC(2024, 0, 1));

let made: Promise<AptKeys> | null = null;

/** The same keys, and the same signature for the same text, in the whole process. */
export function aptKeys(): Promise<AptKeys> {
  made ??= (async () => ({ archive: await makeKey("archive"), forger: await makeKey("forger") }))();
  return made;
}

async function makeKey(name: string): Promise<AptKey> {
  const { publicKey, privateKey } = await generateKey({
    type: "ecc",
    curve: "ed25519Legacy", // gpgv of 2022 knows no other
    userIDs: [{ name: `Fake ${name}`, email: `${name}@example.test` }],
    date: BORN,
    format: "armored",
  });
  const secret: PrivateKey = await readPrivateKey({ armoredKey: privateKey });
  const signed = new Map<string, Promise<string>>();
  const once = (key: string, work: () => Promise<string>) => {
    const found = signed.get(key) ?? work();
    signed.set(key, found);
    return found;
  };
  return {
    armored: publicKey,
    inline: (text, date) =>
      once(`inline ${text}`, async () => {
        // The last line end is no part of what is signed. RFC 9580 §7
        const message = await createCleartextMessage({ text: text.replace(/\n$/, "") });
        // The library writes CRLF; GnuPG, as every archive uses it, does not. What is signed is the same.
        return (await sign({ message, signingKeys: secret, date })).replaceAll("\r\n", "\n");
      }),
    detached: (text, date) =>
      once(`detached ${text}`, async () => {
        const message = await createMessage({ binary: Buffer.from(text) });
        return sign({ message, signingKeys: secret, date, detached: true });
      }),
  };
}
