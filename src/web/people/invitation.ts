// `/-/invitation`: somebody with a link from an administrator sets the password of their user.
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { html } from "../frame/html.ts";
import { page } from "../frame/page.ts";
import { moment } from "../frame/text.ts";
import type { PageRequest } from "../request.ts";
import type { Invited, PeopleDeps } from "./deps.ts";
import { field, hidden, readForm, redirect, trouble } from "./forms.ts";

export async function serveInvitation(request: PageRequest, deps: PeopleDeps): Promise<Reply> {
  const isSent = request.method === "POST";
  const form = isSent ? await readForm(request, deps) : new URLSearchParams(request.query);
  const code = form.get("code") ?? "";
  const found = await deps.invitation.find(code);
  if (!found) return overPage(request);
  // To look at it uses nothing up: programs that look into mail follow links too.
  if (!isSent) return invitationPage(request, code, found, null);
  try {
    const user = await deps.invitation.use(code, form.get("password") ?? "", request.address);
    return redirect("/-/account", { "set-cookie": await deps.begin(user, request) });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return invitationPage(request, code, found, error);
  }
}

function invitationPage(
  { reader }: PageRequest,
  code: string,
  { user, createdBy, until }: Invited,
  wrong: Problem | null,
): Reply {
  const main = html`<h1>Welcome, ${user}</h1><p>${createdBy} made this link for you. Choose a password, and you are logged in: <strong>${user}</strong> is your name here.</p><p class="soft">The link is good for one password, until ${moment(until)}.</p>${trouble(wrong?.message ?? null)}
<form method="post" action="/-/invitation">${hidden("code", code)}<span class="hide" aria-hidden="true"><input name="name" value="${user}" autocomplete="username" readonly tabindex="-1"></span>${field("password", "Password", { type: "password", complete: "new-password", hint: "8 characters at least" })}<button>Set it and log in</button></form>`;
  const status = wrong?.status ?? 200;
  return page({ title: "Welcome", main, section: "account", isNarrow: true, status }, reader);
}

function overPage({ reader }: PageRequest): Reply {
  const main = html`<h1>This link leads nowhere any more</h1><p>It was used, it is over, or another one took its place. An administrator makes a new one.</p><p><a href="/-/login">Log in</a> · <a href="/">Home</a></p>`;
  return page({ title: "No link", main, section: "account", isNarrow: true, status: 404 }, reader);
}
