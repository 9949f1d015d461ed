import { expect, test } from "bun:test";
import { wantsAbbreviated } from "./negotiate.ts";

const CORGI = "application/vnd.npm.install-v1+json";
const headers: [accept: string | null, abbreviated: boolean][] = [
  // npm, pnpm and yarn 1
  [`${CORGI}; q=1.0, application/json; q=0.8, */*`, true],
  // npm with a release-age rule, npm audit signatures, yarn 4
  ["application/json", false],
  ["*/*", false],
  [null, false],
  ["", false],
  [CORGI, true],
  [CORGI.toUpperCase(), true],
  [`application/json, ${CORGI}`, true],
  [`${CORGI};q=0`, false],
  [`${CORGI};q=0.2,application/json;q=0.9`, false],
  [`${CORGI};q=x`, true],
];
for (const [accept, abbreviated] of headers)
  test(`Accept: ${accept}`, () => expect(wantsAbbreviated(accept)).toBe(abbreviated));
