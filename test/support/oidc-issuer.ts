// A real OpenID Connect provider (the npm package oidc-provider) on loopback. Who logs in there is the one that `person` says.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

// biome-ignore lint/suspicious/noExplicitAny: it has no types of its own
const { default: OidcProvider } = (await import("oidc-provider")) as any;

export interface OidcIssuer {
  readonly url: string;
  /** Claims of who logs in there now; `sub` names them. */
  person: Record<string, unknown> & { sub: string };
  stop(): Promise<void>;
}

/** `redirects`: where clients may be sent back to. The client is "holdfast" with the secret "a secret of the client's own". */
export async function startOidcIssuer(redirects: string[], secret: string | null = SECRET) {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer: OidcIssuer = {
    url,
    person: { sub: "1", preferred_username: "ann" },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const provider = new OidcProvider(url, {
    clients: [
      {
        client_id: "holdfast",
        ...(secret === null ? { token_endpoint_auth_method: "none" } : { client_secret: secret }),
        redirect_uris: redirects,
      },
    ],
    claims: {
      openid: ["sub"],
      profile: ["preferred_username", "name", "groups", "realm_access"],
      email: ["email", "email_verified"],
    },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: async () => ({ ...issuer.person, sub: id }),
    }),
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ["test"] },
    // Whoever asks is let in, as if they had agreed before.
    // biome-ignore lint/suspicious/noExplicitAny: it has no types of its own
    async loadExistingGrant(ctx: any) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
  });
  const answer = provider.callback();
  server.on("request", async (request, response) => {
    if (!request.url?.startsWith("/interaction/")) return answer(request, response);
    const { sub } = issuer.person;
    await provider.interactionFinished(request, response, { login: { accountId: sub } });
  });
  return issuer;
}

export const SECRET = "a secret of the client's own";

/** Goes through the provider as a browser does, from its address to the one that it sends back to. */
export async function visit(from: string, until: string): Promise<string> {
  const cookies = new Map<string, string>();
  let at = from;
  for (let hops = 0; hops < 10; hops += 1) {
    if (at.startsWith(until)) return at;
    const response = await fetch(at, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const next = response.headers.get("location");
    if (next === null)
      throw new Error(`${at} answered ${response.status}: ${await response.text()}`);
    at = new URL(next, at).href;
  }
  throw new Error(`still at ${at}`);
}
