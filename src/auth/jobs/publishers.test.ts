import { expect, test } from "bun:test";
import type { TrustedPublisher } from "../../core/identity.ts";
import type { Problem } from "../../core/problem.ts";
import { publisherFor } from "./publishers.ts";
import type { JobIdentity } from "./verify.ts";

const publisher: TrustedPublisher = {
  issuer: "https://ci.example.test",
  audiences: ["us"],
  claims: { project_id: ["42"], ref_protected: ["true"] },
  repositories: ["npm"],
  packages: ["@acme/*"],
  actions: ["publish"],
};
const claims = { project_id: "42", ref_protected: "true", sub: "project_path:acme/widgets:x" };

function outcome(
  told: Record<string, unknown>,
  changes: Partial<TrustedPublisher> = {},
  job: Partial<JobIdentity> = {},
  wanted = { repositories: ["npm"], package: "@acme/widgets" as string | null },
): string {
  const identity = {
    issuer: publisher.issuer,
    audience: "us",
    claims: told,
    expiresAt: 0,
    id: "1",
  };
  try {
    publisherFor({ ...identity, ...job }, wanted, [{ ...publisher, ...changes }]);
    return "covered";
  } catch (error) {
    return (error as Problem).rule!;
  }
}

const cases: [name: string, want: string, ...Parameters<typeof outcome>][] = [
  ["all claims", "covered", claims],
  ["a number is written as text", "covered", { ...claims, project_id: 42 }],
  ["a boolean is written as text", "covered", { ...claims, ref_protected: true }],
  ["another project", "claims", { ...claims, project_id: "421" }],
  ["a claim is missing", "claims", { project_id: "42" }],
  ["a claim is a list", "claims", { ...claims, project_id: ["42"] }],
  ["a claim is null", "claims", { ...claims, project_id: null }],
  ["case counts", "claims", { ...claims, ref_protected: "True" }],
  ["no claims at all are never enough", "claims", claims, { claims: {} }],
  ["a name of every object is no claim", "claims", claims, { claims: { toString: ["*"] } }],
  ["one of several", "covered", claims, { claims: { project_id: ["7", "42"] } }],
  [
    "a subject that begins alike",
    "claims",
    { sub: "repo:acme/widgets-evil:ref" },
    { claims: { sub: ["repo:acme/widgets"] } },
  ],
  [
    "a star where one is written",
    "covered",
    { ref: "refs/tags/v1" },
    { claims: { ref: ["refs/tags/*"] } },
  ],
  ["and nowhere else", "claims", { ref: "refs/tags/v1" }, { claims: { ref: ["refs/tags/"] } }],
  ["a star that the job says is a star", "claims", { project_id: "*", ref_protected: "true" }],
  ["another issuer", "audience", claims, {}, { issuer: "https://evil.example.test" }],
  ["another audience", "audience", claims, {}, { audience: "them" }],
  [
    "another repository",
    "repository",
    claims,
    {},
    {},
    { repositories: ["pypi"], package: "@acme/widgets" },
  ],
  ["another package", "package", claims, {}, {}, { repositories: ["npm"], package: "left-pad" }],
  ["no package named", "covered", claims, {}, {}, { repositories: ["npm"], package: null }],
  [
    "no repository named",
    "covered",
    claims,
    {},
    {},
    { repositories: ["other", "npm"], package: "@acme/x" },
  ],
  [
    "a package that is not its own",
    "package",
    claims,
    {},
    {},
    { repositories: ["other", "npm"], package: "x" },
  ],
  ["a proposed change", "event", { ...claims, event_name: "pull_request" }],
  [
    "one that pretends to be the target's",
    "event",
    { ...claims, event_name: "pull_request_target" },
  ],
  ["a merge request", "event", { ...claims, pipeline_source: "merge_request_event" }],
  ["a push", "covered", { ...claims, event_name: "push" }],
];
for (const [name, want, ...given] of cases)
  test(`${name}: ${want}`, () => expect(outcome(...given)).toBe(want));

test("a refusal tells nothing of what others are trusted with", () => {
  try {
    publisherFor(
      { issuer: publisher.issuer, audience: "us", claims: {}, expiresAt: 0, id: "1" },
      { repositories: ["npm"], package: "@acme/x" },
      [publisher],
    );
  } catch (error) {
    expect((error as Problem).kind).toBe("forbidden");
    expect((error as Problem).message).not.toMatch(/42|acme/);
  }
});
