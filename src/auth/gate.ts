// Who asks, and what they may. There are no accounts yet: everybody is the same anonymous caller.
import { type Grant, issueGrant } from "../core/grant.ts";
import { nobody, theServer } from "../core/principal.ts";

/** What is looked at of a request to find out who sent it. */
export interface Credentials {
  header(name: string): string | null;
}

export interface Gate {
  /** What the sender of a request may. On the path of every request, also of those that repeat. */
  identify(credentials: Credentials): Grant;
}

/** What the server itself may: mirrors, schedules, commands of its operator. */
export const serverGrant = issueGrant({
  audience: "the server",
  principal: theServer,
  fault: null,
  may: () => true,
});

/** Formats refuse by themselves what nobody can do yet, such as publishing. */
const anonymous = issueGrant({
  audience: "",
  principal: nobody,
  fault: null,
  may: () => true,
});

export function openGate(): Gate {
  return { identify: () => anonymous };
}
