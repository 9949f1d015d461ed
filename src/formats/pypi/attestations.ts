// What a publisher says of a file, signed: attestations that come with an upload, and the provenance object that is made of them. PEP 740
import { type KeyObject, verify, X509Certificate } from "node:crypto";
import { parseJson } from "../../core/answers.ts";
import { Problem } from "../../core/problem.ts";
import { isObject } from "./json.ts";

/** The file that it must be about. */
export interface Subject {
  file: string;
  /** Hexadecimal. */
  sha256: string;
}

type Json = Record<string, unknown>;

/** DSSE: what is signed is not the statement alone. */
const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const STATEMENT = "https://in-toto.io/Statement/v1";
/** Of one file: more than there are kinds of them. */
const MOST = 10;
/** What the public index takes: its own, that says who published, and SLSA's, that says how it was built. */
const PREDICATE =
  /^https:\/\/(?:docs\.pypi\.[a-z]+\/attestations\/publish|slsa\.dev\/provenance)\/v1$/;

function bad({ file }: Subject, reason: string): Problem {
  return new Problem("badRequest", `Invalid attestations for ${file}: ${reason}`);
}

/**
 * The provenance object of a file, as JSON, of the attestations that came with it. The same for the same attestations. Throws
 * Problem("badRequest") for one that is about something else, or is not signed with the key of the certificate in it.
 *
 * Whether that certificate was given to whom it names, and stands in a public log, is asked after that: see attested.ts.
 */
export function provenanceOf(attestations: Uint8Array, subject: Subject): string {
  const all = parseJson(attestations);
  if (!Array.isArray(all) || all.length === 0 || all.length > MOST)
    throw bad(subject, "they are no list of attestations");
  const bundles = new Map<string, Json[]>();
  const seen = new Set<string>();
  for (const one of all) {
    const { predicate, publisher } = check(one, subject);
    if (seen.has(predicate)) throw bad(subject, `there are two of ${predicate}`);
    seen.add(predicate);
    const key = JSON.stringify(publisher);
    bundles.set(key, [...(bundles.get(key) ?? []), one as Json]);
  }
  const attestation_bundles = [...bundles].map(([publisher, attestations]) => ({
    publisher: JSON.parse(publisher) as Json,
    attestations,
  }));
  return `${JSON.stringify({ version: 1, attestation_bundles })}\n`;
}

function check(attestation: unknown, subject: Subject) {
  if (!isObject(attestation) || attestation["version"] !== 1)
    throw bad(subject, "one of them is not of version 1");
  const { verification_material: material, envelope } = attestation;
  if (!isObject(material) || !isObject(envelope)) throw bad(subject, "one of them is not whole");
  const { certificate, key } = signerOf(material["certificate"], subject);
  if (!Array.isArray(material["transparency_entries"]) || !material["transparency_entries"].length)
    throw bad(subject, "one of them stands in no transparency log");
  const statement = base64(envelope["statement"], subject);
  const signature = base64(envelope["signature"], subject);
  if (!isSigned(key, statement, signature))
    throw bad(subject, "the signature of one is not that of its certificate's key");
  return { predicate: predicateOf(statement, subject), publisher: publisherOf(certificate) };
}

function base64(value: unknown, subject: Subject): Buffer {
  if (typeof value !== "string" || !/^[A-Za-z0-9+/]+={0,2}$/.test(value))
    throw bad(subject, "a part of one is not base64");
  return Buffer.from(value, "base64");
}

interface Signer {
  certificate: X509Certificate;
  key: KeyObject;
}

function signerOf(value: unknown, subject: Subject): Signer {
  const der = base64(value, subject);
  try {
    const certificate = new X509Certificate(der);
    return { certificate, key: certificate.publicKey };
  } catch {
    throw bad(subject, "the certificate of one cannot be read");
  }
}

/** DSSE: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body. */
function isSigned(key: KeyObject, statement: Buffer, signature: Buffer): boolean {
  const head = `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${statement.length} `;
  const digest = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  try {
    return verify(digest, Buffer.concat([Buffer.from(head), statement]), key, signature);
  } catch {
    return false; // no signature of that kind of key
  }
}

/** in-toto: a statement says something (`predicate`) of files (`subject`). PEP 740: of this one alone. */
function predicateOf(bytes: Buffer, subject: Subject): string {
  const statement = parseJson(bytes);
  if (!isObject(statement) || statement["_type"] !== STATEMENT)
    throw bad(subject, "one of them holds no in-toto statement");
  const subjects = statement["subject"];
  const [about] = Array.isArray(subjects) && subjects.length === 1 ? subjects : [];
  const digest = isObject(about) && isObject(about["digest"]) ? about["digest"]["sha256"] : null;
  if (!isObject(about) || about["name"] !== subject.file || digest !== subject.sha256)
    throw bad(subject, "one of them is about another file, or other bytes");
  const predicate = statement["predicateType"];
  if (typeof predicate !== "string" || !PREDICATE.test(predicate))
    throw bad(subject, `one of them says ${String(predicate).slice(0, 100)}, which is not known`);
  return predicate;
}

const GITHUB = /^https:\/\/github\.com\/([^/]+\/[^/]+)\/\.github\/workflows\/([^/@]+)@/;
const GITLAB = /^https:\/\/([^/]+)\/(.+?)\/\/(.+?)@refs\//;

/** Whom the certificate names: a job of somebody's CI, by the address of what it ran, or a person. */
function publisherOf(certificate: X509Certificate): Json {
  const name = /(?:URI|email):([^,\s]+)/.exec(certificate.subjectAltName ?? "")?.[1] ?? "";
  const claims = null;
  const github = GITHUB.exec(name);
  if (github) {
    const [, repository, workflow] = github;
    return { kind: "GitHub", repository, workflow, environment: null, claims };
  }
  const gitlab = GITLAB.exec(name);
  if (gitlab) {
    const [, , repository, workflow_filepath] = gitlab;
    return { kind: "GitLab", repository, workflow_filepath, environment: null, claims };
  }
  return { kind: "Other", identity: name || null, claims };
}
