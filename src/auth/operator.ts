// The person at the server's machine who runs a command: whoever can write the data directory may do all that is done with it.
import { type Grant, issueGrant } from "../core/grant.ts";
import { theServer } from "../core/principal.ts";

/** `name`: the system's user, for the audit log. */
export function operatorGrant(name: string): Grant {
  return issueGrant({
    audience: "the server",
    principal: { ...theServer, name: `the operator ${name}`.trim() },
    fault: null,
    may: () => true,
  });
}
