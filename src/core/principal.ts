// Who asks.

/** One caller, as far as is known of it. */
export interface Principal {
  /** `job`: a run of somebody's CI, known by what its issuer says of it. `server`: what this server does by itself, or for its operator. */
  kind: "anonymous" | "user" | "job" | "server";
  /** "ann"; what a job is called ("gitlab.example.com acme/widgets"); empty for who gives no name. */
  name: string;
  /** The token that it came with, and whether that may all that its owner may, from everywhere and for ever; null for a password, a session, or none. */
  token: { id: string; name: string; isWhole: boolean } | null;
  /** Where it asks from, as far as that is known when the grant is made; empty for the server and for who gives no name. */
  address: string;
}

export const nobody: Principal = { kind: "anonymous", name: "", token: null, address: "" };
export const theServer: Principal = {
  kind: "server",
  name: "the server",
  token: null,
  address: "",
};

/** For logs, and for `publishedBy`: "ann", "ann (token laptop)". */
export function nameOf({ name, token }: Principal): string {
  return token ? `${name} (token ${token.name})` : name;
}
