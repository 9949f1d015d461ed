// What doctor asks of the systems that people log in through: whether they answer, and as what they are configured for.
import type { Config } from "../config/resolve.ts";
import { createLog } from "../core/log.ts";
import { createMetrics } from "../core/metrics.ts";
import { connectIssuer } from "../upstream/issuer.ts";
import { ldapDirectory } from "../upstream/ldap.ts";
import { createUpstreamMetrics } from "../upstream/upstreams.ts";
import type { Finding } from "./finding.ts";

/** Nobody is called so: a directory that is asked for them looks, and finds none. */
const NOBODY = "holdfast-doctor-asks";
const subject = "login";

export async function checkLogin({
  login: { oidc, ldap },
  offline,
}: Pick<Config, "login" | "offline">): Promise<Finding[]> {
  if (offline) return [];
  const findings = await Promise.all([oidc && checkProvider(oidc), ldap && checkDirectory(ldap)]);
  return findings.filter((one) => one !== null);
}

async function checkProvider({
  issuer,
  hosts,
  ca,
}: NonNullable<Config["login"]["oidc"]>): Promise<Finding> {
  const connection = connectIssuer(
    { issuer, hosts, ca },
    {
      log: createLog("json", () => {}),
      metrics: createUpstreamMetrics(createMetrics()),
      repository: "-", // of none
      now: () => performance.now(),
      offline: false,
    },
  );
  const hint = "Is login.oidc.issuer as the provider writes itself, to the letter, and reachable?";
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  try {
    const answer = await connection.fetch(url);
    const text = await answer.text();
    if (answer.status !== 200)
      return { state: "bad", subject, text: `${url} answers ${answer.status}`, hint };
    const said = issuerOf(text);
    if (said !== issuer)
      return { state: "bad", subject, text: `${url} is of ${said ?? "no provider"}`, hint };
    return { state: "good", subject, text: `${new URL(issuer).host} answers as ${issuer}` };
  } catch (error) {
    return { state: "bad", subject, text: (error as Error).message, hint };
  } finally {
    connection.close();
  }
}

function issuerOf(text: string): string | null {
  try {
    const { issuer } = JSON.parse(text);
    return typeof issuer === "string" ? issuer.slice(0, 200) : null;
  } catch {
    return null;
  }
}

async function checkDirectory(settings: NonNullable<Config["login"]["ldap"]>): Promise<Finding> {
  const told: string[] = [];
  const { host } = new URL(settings.url);
  try {
    await ldapDirectory(settings, (message) => told.push(message)).find(NOBODY, "no password");
  } catch (error) {
    const hint = "Look at login.ldap: url, ca, base, bindDn and its password";
    return { state: "bad", subject, text: (error as Error).message, hint };
  }
  if (told.length > 0) return { state: "warning", subject, text: told.join("; ") };
  return {
    state: "good",
    subject,
    text: `${host} answers, and is searched below ${settings.base}`,
  };
}
