// A gate for a command's own server, which listens where others of the machine could find it: who knows its secret is the server itself.
import { issueGrant } from "../core/grant.ts";
import { nobody } from "../core/principal.ts";
import { type Gate, serverGrant } from "./gate.ts";

export function errandGate(secret: string): Gate {
  const stranger = issueGrant({
    audience: "?",
    principal: nobody,
    fault: "This server works for one command alone",
    may: () => false,
  });
  return {
    identify: (credentials) =>
      credentials.header("authorization") === `Bearer ${secret}` ? serverGrant : stranger,
  };
}
