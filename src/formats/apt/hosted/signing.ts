// The keys that sign what is published here, and signing with them. RFC 9580, apt-secure(8)
import type { PrivateKey } from "openpgp";
import { Problem } from "../../../core/problem.ts";
import type { UnboundRepository } from "../../../core/repository.ts";
import type { AptOptions, HostedSuites } from "../options.ts";

type Keeping = Pick<UnboundRepository<AptOptions>, "kept" | "swap" | "now" | "name" | "options">;

/** As they are kept: each the private key without a passphrase, armoured. */
interface KeptKeys {
  /** Signs, and stays. */
  current: string;
  /** Sign beside it until they are retired, for clients that have only these. Oldest first. */
  earlier: string[];
}

export interface Keys {
  /** The current one first. */
  all: PrivateKey[];
  /** Of the current one, upper case. */
  fingerprint: string;
  /** All public keys in one armour, as clients take it. */
  armoured: string;
  /** Another text for other keys. */
  id: string;
}

const KEPT = "hosted/keys";
const DAY = 24 * 60 * 60_000;

export interface Signing {
  keys(): Promise<Keys>;
  /** Makes a key that signs from then on, beside those before it. */
  rotate(): Promise<Keys>;
  /** All but the current one sign no more. Says how many those were. */
  retire(): Promise<number>;
}

/** Keys are made when they are first needed, and are the repository's own. Read anew each time: another process may have made others. */
export function createSigning(repository: Keeping): Signing {
  let known: { text: string; keys: Promise<Keys> } | null = null;

  async function read(): Promise<{ bytes: Uint8Array; kept: KeptKeys } | null> {
    const found = await repository.kept(KEPT);
    if (!found?.bytes.length) return null;
    return { bytes: found.bytes, kept: JSON.parse(Buffer.from(found.bytes).toString()) };
  }

  async function current(): Promise<{ bytes: Uint8Array; kept: KeptKeys }> {
    const found = await read();
    if (found) return found;
    // Whoever comes second takes what the first one made.
    const made: KeptKeys = { current: await makeKey(repository), earlier: [] };
    await repository.swap(KEPT, textOf(made), null);
    return (await read())!;
  }

  async function keys(): Promise<Keys> {
    const { bytes, kept } = await current();
    const text = Buffer.from(bytes).toString();
    if (known?.text !== text) known = { text, keys: keysOf(kept) };
    return known.keys;
  }

  /** Throws Problem("conflict") where somebody else changes them. */
  async function change(make: (now: KeptKeys) => Promise<KeptKeys>): Promise<Keys> {
    const { bytes, kept } = await current();
    if (await repository.swap(KEPT, textOf(await make(kept)), bytes)) return keys();
    throw new Problem("conflict", `The keys of ${repository.name} were changed meanwhile`);
  }

  return {
    keys,
    rotate: () =>
      change(async (now) => ({
        current: await makeKey(repository),
        earlier: [...now.earlier, now.current],
      })),
    async retire() {
      const { kept } = await current();
      if (kept.earlier.length) await change(async ({ current }) => ({ current, earlier: [] }));
      return kept.earlier.length;
    },
  };
}

function textOf(keys: KeptKeys): Buffer {
  return Buffer.from(JSON.stringify(keys));
}

/** Signed by itself over SHA-512, as the strictest clients want it (sqv), of the fourth version, which the oldest ones read. */
async function makeKey({ name, now, options }: Keeping): Promise<string> {
  const openpgp = await import("openpgp");
  const { key, origin = name } = options.hosted as HostedSuites;
  // A client whose clock is behind takes no key of its future: it is of the beginning of this day.
  const date = new Date(Math.floor(now() / DAY) * DAY);
  const { privateKey } = await openpgp.generateKey({
    ...(key === "rsa4096"
      ? { type: "rsa", rsaBits: 4096 }
      : { type: "ecc", curve: "ed25519Legacy" }),
    userIDs: [{ name: `${origin} archive signing key` }],
    // One key that signs: subkeys are one more thing that a client can miss.
    subkeys: [],
    date,
    format: "armored",
    config: {
      preferredHashAlgorithm: openpgp.enums.hash.sha512,
      v6Keys: false,
      aeadProtect: false,
    },
  });
  return privateKey;
}

async function keysOf({ current, earlier }: KeptKeys): Promise<Keys> {
  const openpgp = await import("openpgp");
  const all: PrivateKey[] = [];
  for (const armoredKey of [current, ...[...earlier].reverse()])
    all.push(await openpgp.readPrivateKey({ armoredKey }));
  const packets = Buffer.concat(all.map((key) => key.toPublic().write()));
  return {
    all,
    fingerprint: all[0]!.getFingerprint().toUpperCase(),
    armoured: openpgp.armor(openpgp.enums.armor.publicKey, packets),
    id: all.map((key) => key.getFingerprint()).join(","),
  };
}

/** So that the same text, signed anew, is the same file. */
async function settings(at: number) {
  const { enums } = await import("openpgp");
  return {
    date: new Date(Math.floor(at / 1000) * 1000),
    config: {
      preferredHashAlgorithm: enums.hash.sha512,
      nonDeterministicSignaturesViaNotation: false,
    },
  };
}

/** The text as `InRelease`. `at`: when it says that it was signed. */
export async function clearSigned(text: string, { all }: Keys, at: number): Promise<string> {
  const openpgp = await import("openpgp");
  // The line end before the signature is none of the text's.
  const message = await openpgp.createCleartextMessage({ text: text.replace(/\n$/, "") });
  const signed = await openpgp.sign({ message, signingKeys: all, ...(await settings(at)) });
  return unixLines(signed);
}

/** The text's `Release.gpg`. */
export async function detached(text: string, { all }: Keys, at: number): Promise<string> {
  const openpgp = await import("openpgp");
  const message = await openpgp.createMessage({ binary: Buffer.from(text) });
  const signed = await openpgp.sign({
    message,
    signingKeys: all,
    detached: true,
    ...(await settings(at)),
  });
  return unixLines(signed);
}

function unixLines(text: string): string {
  return `${text.replaceAll("\r\n", "\n").trimEnd()}\n`;
}
