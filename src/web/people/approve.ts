// `/-/login/<id>`: a client on some machine has begun to log in, and somebody says whether that was them.

import type { Grant } from "../../core/grant.ts";
import type { Reply } from "../../core/reply.ts";
import { html } from "../frame/html.ts";
import { page } from "../frame/page.ts";
import type { Reader } from "../frame/reader.ts";
import { facts, notice } from "../frame/ui.ts";
import type { PageRequest } from "../request.ts";
import type { PeopleDeps } from "./deps.ts";
import { loginAgain, readForm, redirect } from "./forms.ts";

export async function serveApproval(
  id: string,
  request: PageRequest,
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
      request.reader,
    );
  if (request.method === "POST") {
    const form = await readForm(request, deps);
    const isApproved = form.get("answer") === "yes";
    if (isApproved && !(await deps.isFresh(request))) return redirect(loginAgain(path));
    const isDone = await deps.decide(id, principal.name, isApproved);
    if (!isDone)
      return told(
        "This log-in is over",
        "It was answered already, or it took too long.",
        request.reader,
      );
    return isApproved
      ? told("Done", "The client is logged in. You can close this page.", request.reader)
      : told("Refused", "The client gets nothing.", request.reader);
  }
  // Rather before the question than after the answer.
  if (!(await deps.isFresh(request))) return redirect(loginAgain(path));
  const minutes = Math.max(1, Math.round((waiting.expiresAt - deps.now()) / 60_000));
  const elsewhere =
    waiting.address === request.address
      ? null
      : notice(
          "bad",
          "It asks from another address than you. That is right only if you began it on another machine.",
        );
  const main = html`<h1>Is this you?</h1>
<p>A client wants to log in as <strong>${principal.name}</strong>, and then may do all that you may.</p>
${facts([
  ["Client", html`<code>${waiting.client}</code>`],
  ["Asks from", html`<code>${waiting.address}</code>`],
  ["You ask from", html`<code>${request.address}</code>`],
])}
${elsewhere}<p class="warn">Say yes only if you have just begun this yourself. If somebody sent you here, say no.</p>
<form method="post" action="${path}"><button name="answer" value="yes">Yes, log it in</button> <button class="quiet" name="answer" value="no">No</button></form>
<p class="soft">It waits for ${minutes} more ${minutes === 1 ? "minute" : "minutes"}.</p>`;
  const title = "A client logs in";
  return page({ title, main, section: "account", isNarrow: true }, request.reader);
}

function told(title: string, text: string, reader: Reader): Reply {
  return page({ title, main: html`<h1>${title}</h1><p>${text}</p>`, isNarrow: true }, reader);
}
