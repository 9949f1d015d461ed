// The made-up archive of the canaries: two suites that are signed, one of which is young. https://wiki.debian.org/DebianRepository/Format
import { createHash } from "node:crypto";
import {
  CANARY_NAME,
  type Canary,
  type CanaryAnswer,
  type CanaryAsk,
  type CanaryRole,
  type CanaryTimes,
  canaryPackages,
  canaryRoles,
  canaryUpstream,
} from "../../core/canary.ts";
import { releaseText } from "./hosted/release.ts";
import { clearSigned, createSigning, detached } from "./hosted/signing.ts";
import { type AptOptions, aptOptions, type HostedSuites } from "./options.ts";

const VERSION = "1.0";
const SUITES = { old: "holdfast-canary", young: "holdfast-canary-young" } as const;
const INDEX = "main/binary-amd64/Packages";
const TEXT = "text/plain";

type Suite = keyof typeof SUITES;

export async function canary(times: CanaryTimes): Promise<Canary<AptOptions>> {
  const answers = new Map<string, CanaryAnswer>();
  /** Of the young suite: an earlier release, in which there is nothing yet. */
  const before = new Map<string, CanaryAnswer>();
  const packages = canaryPackages((role) => {
    const path = poolPath(role);
    const bytes = debOf(role, role === "tampered" ? "others" : "");
    answers.set(path, { type: "application/vnd.debian.binary-package", body: bytes, role });
    const suite = suiteOf(role);
    return {
      name: `${CANARY_NAME}${role}`,
      // What is held is the release of a suite.
      purl:
        role === "young" ? `pkg:deb/dists/${SUITES.young}` : `pkg:deb/debian/${CANARY_NAME}${role}`,
      asks: [
        ...(role === "private" ? [] : listsOf(suite, role, dateOf(times[suite]))),
        { gives: "bytes", path: `/${path}`, bytes },
      ],
      ...(role === "young" && { before: listsOf(suite, role, "").map((ask) => ask.path) }),
    };
  });
  const keys = await keysAt(times.old.getTime());
  await publish(
    "old",
    canaryRoles.filter((role) => suiteOf(role) === "old"),
    times.old,
    answers,
  );
  await publish("young", ["young"], times.young, answers);
  await publish("young", [], times.old, before);

  async function publish(
    suite: Suite,
    roles: readonly CanaryRole[],
    date: Date,
    there: Map<string, CanaryAnswer>,
  ): Promise<void> {
    const at = date.getTime();
    const index = roles.map(stanzaOf).join("\n");
    const named = { path: INDEX, sha256: sha256(index), size: Buffer.byteLength(index) };
    const text = releaseText(SUITES[suite], "canary", hosted(SUITES[suite]), [named], at);
    const role = suite === "young" ? suite : null;
    const say = (name: string, body: string) =>
      there.set(`dists/${SUITES[suite]}/${name}`, { type: TEXT, body, role });
    say(INDEX, index);
    say(INDEX.replace("Packages", `by-hash/SHA256/${named.sha256}`), index);
    say("Release", text);
    say("Release.gpg", await detached(text, keys, at));
    say("InRelease", await clearSigned(text, keys, at));
  }

  const file = { path: "canary.asc", bytes: Buffer.from(keys.armoured) };
  return {
    packages,
    others: Object.values(SUITES).map((suite) => `dists/${suite}`),
    areListsSigned: true,
    options: ({ unverified, onChange, validUntil, generations }) =>
      aptOptions.parse({
        onChange,
        validUntil,
        generations,
        ...(unverified ? { unverified } : { keyring: file }),
      }),
    upstream: canaryUpstream(answers, before),
  };
}

function listsOf(suite: Suite, role: CanaryRole, date: string): CanaryAsk[] {
  const folder = `/dists/${SUITES[suite]}`;
  const isThis = (text: string) => text.includes(`Date: ${date}\n`);
  return [
    { gives: "list", path: `${folder}/InRelease`, shows: isThis },
    { gives: "list", path: `${folder}/Release`, shows: isThis },
    {
      gives: "list",
      path: `${folder}/${INDEX}`,
      shows: (text) => text.includes(`Package: ${CANARY_NAME}${role}\n`),
    },
  ];
}

/** As releases tell it. */
const dateOf = (date: Date) => date.toUTCString().replace("GMT", "UTC");
const suiteOf = (role: CanaryRole): Suite => (role === "young" ? "young" : "old");
const poolPath = (role: CanaryRole) =>
  `pool/main/h/holdfast-canary/${CANARY_NAME}${role}_${VERSION}_all.deb`;
/** Nobody looks into it: the index has its digest. */
const debOf = (role: CanaryRole, more = "") => Buffer.from(`!<arch>\n${role}${more}`);

function stanzaOf(role: CanaryRole): string {
  const bytes = debOf(role);
  return [
    `Package: ${CANARY_NAME}${role}`,
    `Version: ${VERSION}`,
    "Architecture: all",
    "Maintainer: Holdfast",
    `Filename: ${poolPath(role)}`,
    `Size: ${bytes.length}`,
    `SHA256: ${sha256(bytes)}`,
    "Description: a canary",
    "",
  ].join("\n");
}

function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function hosted(suite: string): HostedSuites {
  return aptOptions.parse({ hosted: { suites: [suite] } }).hosted!;
}

/** Signs nothing but canaries, in one round. */
function keysAt(at: number) {
  const kept = new Map<string, Uint8Array>();
  return createSigning({
    name: "canary",
    options: aptOptions.parse({ hosted: { suites: [SUITES.old] } }),
    now: () => at,
    async kept(key) {
      const bytes = kept.get(key);
      return bytes ? { bytes, at } : null;
    },
    async swap(key, bytes) {
      kept.set(key, bytes);
      return true;
    },
  } as Parameters<typeof createSigning>[0]).keys();
}
