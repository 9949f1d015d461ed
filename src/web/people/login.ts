// `/-/login`, `/-/logout`, `/-/setup`: who somebody is.
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { html } from "../frame/html.ts";
import { page } from "../frame/page.ts";
import type { Reader } from "../frame/reader.ts";
import type { PageRequest, SiteRequest } from "../request.ts";
import type { PeopleDeps } from "./deps.ts";
import { field, hidden, nextOf, readForm, redirect, trouble } from "./forms.ts";

/** Of the browser that was sent to another system: what proves that the same one comes back, and where it goes then. */
const attemptName = ({ origin }: SiteRequest) =>
  origin.startsWith("https:") ? "__Host-hf-attempt" : "hf-attempt";
const ATTEMPT_S = 600;

export async function serveLogin(request: PageRequest, deps: PeopleDeps): Promise<Reply> {
  if (request.method !== "POST")
    return loginPage(request, deps, goalOf(new URLSearchParams(request.query)));
  const form = await readForm(request, deps);
  const goal = goalOf(form);
  try {
    const name = form.get("name") ?? "";
    const user = await deps.logIn(name, form.get("password") ?? "", request.address);
    return redirect(goal.next, { "set-cookie": await deps.begin(user, request) });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return loginPage(request, deps, goal, error, (form.get("name") ?? "").slice(0, 100));
  }
}

/** Where somebody wants to go, and whether they say again who they are. */
interface Goal {
  next: string;
  isAgain: boolean;
}

function goalOf(fields: URLSearchParams): Goal {
  return { next: nextOf(fields.get("next")), isAgain: fields.get("again") === "1" };
}

function loginPage(
  { reader }: PageRequest,
  deps: PeopleDeps,
  { next, isAgain }: Goal,
  wrong: Problem | null = null,
  name = "",
): Reply {
  const { other } = deps;
  const isNew = deps.needsSetup();
  if (isNew && other === null) return redirect("/-/setup");
  const setup = isNew
    ? html`<p class="soft">There is no user with a password yet: <a href="/-/setup">make the first administrator</a>.</p>`
    : null;
  const why = isAgain
    ? html`<p>Say once more who you are: what comes next takes a log-in of the last 15 minutes.</p>`
    : null;
  const path = `/-/login/oidc?next=${encodeURIComponent(next)}${isAgain ? "&again=1" : ""}`;
  const door = other
    ? html`<p class="apart"><a class="button" href="${path}">Log in through ${other.host}</a></p><p class="soft">or with a password of this server:</p>`
    : null;
  const main = html`<h1>Log in</h1>${trouble(wrong?.message ?? null)}${setup}${why}${door}
<form method="post" action="/-/login">${hidden("next", next)}${isAgain ? hidden("again", "1") : null}${field("name", "Name", { value: name, complete: "username" })}${field("password", "Password", { type: "password", complete: "current-password" })}<button>Log in</button></form>`;
  const status = wrong?.status ?? 200;
  return page({ title: "Log in", main, section: "account", isNarrow: true, status }, reader);
}

export async function serveLogout(request: SiteRequest, deps: PeopleDeps): Promise<Reply> {
  await readForm(request, deps);
  return redirect("/-/login", { "set-cookie": await deps.end(request) });
}

/** Sends the browser to the other system. */
export async function serveDeparture(request: PageRequest, deps: PeopleDeps): Promise<Reply> {
  const { other } = deps;
  if (!other)
    throw new Problem("notFound", "No other system is configured to log in through (login.oidc)");
  const goal = goalOf(new URLSearchParams(request.query));
  let begun: Awaited<ReturnType<typeof other.begin>>;
  try {
    begun = await other.begin(request, goal.isAgain);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return loginPage(request, deps, goal, error);
  }
  const { location, secret } = begun;
  const secure = request.origin.startsWith("https:") ? "; Secure" : "";
  const value = `${secret}.${Buffer.from(goal.next).toString("base64url")}`;
  const cookie = `${attemptName(request)}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${ATTEMPT_S}${secure}`;
  return redirect(location, { "set-cookie": cookie });
}

/** And here it comes back. */
export async function serveReturn(request: PageRequest, deps: PeopleDeps): Promise<Reply> {
  if (!deps.other)
    throw new Problem("notFound", "No other system is configured to log in through (login.oidc)");
  const name = `${attemptName(request)}=`;
  const found = (request.header("cookie") ?? "").split(/;\s*/).find((one) => one.startsWith(name));
  const [secret = "", next = ""] = found?.slice(name.length).split(".") ?? [];
  try {
    const user = await deps.other.end(request, secret);
    const goes = nextOf(Buffer.from(next, "base64url").toString("utf8"));
    return redirect(goes, { "set-cookie": await deps.begin(user, request) });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return loginPage(request, deps, goalOf(new URLSearchParams()), error);
  }
}

export async function serveSetup(request: PageRequest, deps: PeopleDeps): Promise<Reply> {
  if (!deps.needsSetup()) return redirect("/-/login");
  if (request.method !== "POST") return setupPage("", null, 200, request.reader);
  const form = await readForm(request, deps);
  const [code, name, password] = ["code", "name", "password"].map((one) => form.get(one) ?? "");
  try {
    await deps.claim(code!, name!, password!, request.address);
    const user = await deps.logIn(name!, password!, request.address);
    return redirect("/-/account", { "set-cookie": await deps.begin(user, request) });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return setupPage(name!, error.message, error.status, request.reader);
  }
}

function setupPage(name: string, wrong: string | null, status: number, reader: Reader): Reply {
  const main = html`<h1>The first administrator</h1><p>This server has no user yet. Whoever has the code from its log becomes the administrator: they may do everything, and make users, teams and grants.</p>${trouble(wrong)}
<form method="post" action="/-/setup">${field("code", "Code", { hint: "Twelve characters, in the server's log of its last start" })}${field("name", "Name", { value: name, complete: "username" })}${field("password", "Password", { type: "password", complete: "new-password", hint: "8 characters at least" })}<button>Make me administrator</button></form>`;
  return page({ title: "Set up", main, section: "account", isNarrow: true, status }, reader);
}
