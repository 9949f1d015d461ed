// InRelease and Release: the signed lists of what a suite consists of. https://wiki.debian.org/DebianRepository/Format#A.22Release.22_files
import { createHash } from "node:crypto";
import type { DocumentRef, DocumentType, Source } from "../../core/document.ts";
import { memoText } from "../../core/memo.ts";
import type { SuiteState } from "./hosted/suite-state.ts";
import { isSecurity, parseRelease, type Release } from "./release.ts";
import { encodePath, inFolder } from "./routes.ts";
import { signedText } from "./signature.ts";

/** One release of a suite, with what it names. */
export interface Generation {
  /** SHA-256 of the Release's text. The same for InRelease and Release when they say the same. */
  id: string;
  release: Release;
}

export type ReleaseKind = "inrelease" | "release";

/** Views: as the upstream has it, and the text that an InRelease signs, which is the Release. */
export const AS_IT_IS = "upstream";
export const TEXT = "text";

const FILES: Record<ReleaseKind, string> = { inrelease: "InRelease", release: "Release" };
/** Debian's largest has 1.5 MB, and what is larger would hold up the loop that parses it. */
const LIMIT = 4 * 2 ** 20;

/** `suite` is the suite folder; "." for the root. It is also the package that the suite's indices are kept under. */
export function releaseRef(kind: ReleaseKind, suite: string): DocumentRef {
  return refsOf[kind](suite);
}
const refOf = (kind: ReleaseKind) =>
  memoText(
    (suite): DocumentRef => ({
      kind,
      key: suite,
      package: suite,
      path: encodePath(inFolder(suite, FILES[kind])),
    }),
  );
const refsOf: Record<ReleaseKind, (suite: string) => DocumentRef> = {
  inrelease: refOf("inrelease"),
  release: refOf("release"),
};

/**
 * The Release's text, whichever file it came in. Throws Problem("malformed") for an InRelease that is none. Some who sign leave empty lines
 * behind the text, which the Release beside it does not have.
 */
export async function releaseText(kind: string, source: Source): Promise<string> {
  return textIn(kind, await source.text());
}

/** The same of what was read. */
export function textIn(kind: string, text: string): string {
  return kind === "inrelease" ? withoutEmptyEnd(signedText(text)) : text;
}

/** By hand: a regular expression takes for ever over empty lines in the middle. */
function withoutEmptyEnd(text: string): string {
  let end = text.length;
  while (end > 1 && text[end - 1] === "\n" && text[end - 2] === "\n") end--;
  return text.slice(0, end);
}

export function releaseId(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function generationOf(text: string): Generation {
  return { id: releaseId(text), release: parseRelease(text) };
}

function document(kind: ReleaseKind): DocumentType {
  return {
    // What leaves a suite is no loss: old generations are what suites have.
    complete: false,
    limit: LIMIT,
    isDated: true,
    isPlain: true,
    /** The release itself, for rules about ages: it is what clients take as a whole. */
    async facts(source, { key: suite }, skip) {
      const text = await releaseText(kind, source);
      const release = parseRelease(text, skip);
      if (isSecurity(suite, release)) return [];
      const { date } = release;
      // A version as Debian has them, so that a waiver can name it.
      const version = new Date(date ?? 0).toISOString().replace(/[-:]|\.\d+/g, "");
      const publishedAt = date === null ? {} : { publishedAt: new Date(date).toISOString() };
      return [{ file: releaseId(text), version, integrity: null, ...publishedAt }];
    },
    // Of a suite that is published here the release is made when something is published: it is signed.
    compose: ({ state }) =>
      (kind === "inrelease" && (state as Partial<SuiteState>).inrelease) || null,
    async *render({ source }, { variant }) {
      if (variant === TEXT) yield await releaseText(kind, source);
      else yield* source.chunks();
    },
    async model({ source }): Promise<Generation> {
      return generationOf(await releaseText(kind, source));
    },
  };
}

export const documents = {
  inrelease: document("inrelease"),
  release: document("release"),
};
