// What a client says of itself in the Authorization header. RFC 7617, RFC 6750
import { looksLikeSecret } from "./secret.ts";

export type Said =
  | { kind: "token"; secret: string }
  | { kind: "password"; name: string; password: string }
  /** Nothing that this server knows how to read. */
  | { kind: "unreadable" };

/**
 * A token comes as Bearer, as the password of Basic beside any name (pip, uv, netrc, auth.conf, Composer), or as its name with no
 * password. Everything else in Basic is a name and a password.
 */
export function readAuthorization(header: string): Said {
  const [, scheme = "", rest = ""] = /^\s*([A-Za-z]+)\s+(.*?)\s*$/.exec(header) ?? [];
  if (/^bearer$/i.test(scheme)) return { kind: "token", secret: rest };
  if (!/^basic$/i.test(scheme)) return { kind: "unreadable" };
  const text = Buffer.from(rest, "base64").toString("utf8");
  const colon = text.indexOf(":");
  const [name, password] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
  if (looksLikeSecret(password)) return { kind: "token", secret: password };
  if (looksLikeSecret(name) && /^(x-oauth-basic|x)?$/.test(password))
    return { kind: "token", secret: name };
  return { kind: "password", name, password };
}
