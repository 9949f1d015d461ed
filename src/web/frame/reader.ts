// Who looks at a page, and how they like it: what of a page is not the same for all.
import type { Grant } from "../../core/grant.ts";

/** Whether upstreams are asked at present, in a sentence. */
export interface ServerState {
  kind: "serving" | "degraded" | "offline";
  text: string;
}

export interface Reader {
  /** Of this server as the reader sees it, without a trailing slash; a proxy may have it below a path. */
  readonly origin: string;
  /** Who is logged in; null for who gave no name. */
  readonly user: string | null;
  /** Whether pages of the operator are for them. */
  readonly isOperator: boolean;
  /** Null where the system says which. */
  readonly theme: "light" | "dark" | null;
  /** Whether single keys do something. WCAG 2.1.4 */
  readonly hasKeys: boolean;
  /** Null where they may not know. */
  readonly state: ServerState | null;
}

/** Of somebody of whom nothing is known. */
export function stranger(origin: string, cookie: string | null = null): Reader {
  return { origin, user: null, isOperator: false, state: null, ...likingsOf(cookie) };
}

export function readerOf(
  origin: string,
  cookie: string | null,
  grant: Grant,
  state: ServerState | null,
): Reader {
  const { principal } = grant;
  return {
    origin,
    user: principal.kind === "user" ? principal.name : null,
    isOperator: grant.may(null, "admin", null),
    state,
    ...likingsOf(cookie),
  };
}

const THEME = "hf-theme";
const KEYS = "hf-keys";

function likingsOf(cookie: string | null): Pick<Reader, "theme" | "hasKeys"> {
  const values = new Map(
    (cookie ?? "").split(/;\s*/).map((one) => one.split("=") as [string, string]),
  );
  const theme = values.get(THEME);
  return {
    theme: theme === "light" || theme === "dark" ? theme : null,
    hasKeys: values.get(KEYS) !== "off",
  };
}

/** A cookie for a year that keeps what somebody likes, or ends. Nothing secret is in it. */
export function likingCookie(form: URLSearchParams): string {
  const theme = form.get("theme");
  const keys = form.get("keys");
  if (keys === "on" || keys === "off") return cookieOf(KEYS, keys === "off" ? keys : null);
  return cookieOf(THEME, theme === "light" || theme === "dark" ? theme : null);
}

function cookieOf(name: string, value: string | null): string {
  return `${name}=${value ?? ""}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${value === null ? 0 : 31_536_000}`;
}
