// Who may read, in a sentence: said by doctor, and when the server starts.
import type { AccessRules } from "../core/access.ts";
import type { Finding } from "./finding.ts";

/** `warning` where nobody may use a server that was surely made to be used. */
export function accessWords({
  anonymous,
  grants,
  isLocal,
}: AccessRules): Pick<Finding, "state" | "text"> {
  if (anonymous === null && isLocal)
    return {
      state: "good",
      text: "whoever is on this machine may read everything, without a name (access.anonymous is not set)",
    };
  if (anonymous === null)
    return {
      state: "warning",
      text: "nobody may read without a name, since the server listens beyond this machine: `access: { anonymous: read }` lets everybody read, `anonymous: none` says that it is meant so",
    };
  if (anonymous.length === 0)
    return {
      state: "good",
      text: `only who is logged in may read, as far as their grants go${grants.length ? "" : " (holdfast grant list)"}`,
    };
  const isAll = anonymous.some(
    ({ repositories, packages }) => repositories === null && packages === null,
  );
  return {
    state: "good",
    text: isAll
      ? "everybody may read everything, without a name (access.anonymous)"
      : "everybody may read a part, without a name (access.anonymous); the rest is for who is logged in",
  };
}
