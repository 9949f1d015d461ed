// `/-/login/<id>`: a client on some machine has begun to log in, and somebody says whether that was them.

import type { Grant } from "../../core/grant.ts";
import { escapeHtml } from "../../core/html.ts";
import type { Reply } from "../../core/reply.ts";
import { page } from "../page.ts";
import type { SiteRequest } from "../request.ts";
import type { PeopleDeps } from "./deps.ts";
import { loginAgain, readForm, redirect } from "./forms.ts";

export async function serveApproval(
  id: string,
  request: SiteRequest,
  grant: Grant,
  deps: PeopleDeps,
): Promise<Reply> {
  const path = `/-/login/${id}`;
  const { principal } = grant;
  if (principal.kind !== "user" || principal.token !== null)
    return redirect(`/-/login?next=${encodeURIComponent(path)}`);
  const waiting = await deps.waiting(id);
  if (!waiting)
    return told(
      "This log-in is over",
      "It was answered already, or it took too long. Begin again where you began.",
    );
  if (request.method === "POST") {
    const form = await readForm(request, deps);
    const isApproved = form.get("answer") === "yes";
    if (isApproved && !(await deps.isFresh(request))) return redirect(loginAgain(path));
    const isDone = await deps.decide(id, principal.name, isApproved);
    if (!isDone)
      return told("This log-in is over", "It was answered already, or it took too long.");
    return isApproved
      ? told("Done", "The client is logged in. You can close this page.")
      : told("Refused", "The client gets nothing.");
  }
  // Rather before the question than after the answer.
  if (!(await deps.isFresh(request))) return redirect(loginAgain(path));
  const minutes = Math.max(1, Math.round((waiting.expiresAt - deps.now()) / 60_000));
  const elsewhere =
    waiting.address === request.address
      ? ""
      : `<p class="bad">It asks from another address than you. That is right only if you began it on another machine.</p>`;
  const body = `<main class="narrow"><h1>Is this you?</h1>
<p>A client wants to log in as <strong>${escapeHtml(principal.name)}</strong>, and then may do all that you may.</p>
<dl class="facts"><dt>Client</dt><dd><code>${escapeHtml(waiting.client)}</code></dd><dt>Asks from</dt><dd><code>${escapeHtml(waiting.address)}</code></dd><dt>You ask from</dt><dd><code>${escapeHtml(request.address)}</code></dd></dl>
${elsewhere}<p class="warn">Say yes only if you have just begun this yourself. If somebody sent you here, say no.</p>
<form method="post" action="${escapeHtml(path)}"><button name="answer" value="yes">Yes, log it in</button> <button class="quiet" name="answer" value="no">No</button></form>
<p class="soft">It waits for ${minutes} more ${minutes === 1 ? "minute" : "minutes"}.</p></main>`;
  return page("A client logs in · Holdfast", body, { hasForms: true });
}

function told(title: string, text: string): Reply {
  return page(
    `${title} · Holdfast`,
    `<main class="narrow"><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p></main>`,
  );
}
