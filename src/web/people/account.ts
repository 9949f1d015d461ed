// `/-/account`: who I am, my tokens and my password.
import type { Grant } from "../../core/grant.ts";
import { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import type { PageRequest } from "../request.ts";
import { type AccountView, accountPage, revokePage } from "./account-page.ts";
import type { PeopleDeps } from "./deps.ts";
import { notFresh, readForm, redirect } from "./forms.ts";
import { wishOf } from "./token-form.ts";

const HERE = "/-/account";

export async function serveAccount(
  request: PageRequest,
  grant: Grant,
  deps: PeopleDeps,
): Promise<Reply> {
  const { principal } = grant;
  if (principal.kind !== "user" || principal.token !== null)
    return redirect("/-/login?next=%2F-%2Faccount");
  const accounts = deps.accounts(grant);
  const isFresh = await deps.isFresh(request);
  const show = async (more: Partial<AccountView> = {}) =>
    accountPage({
      reader: request.reader,
      name: principal.name,
      isAdmin: grant.may(null, "admin", null),
      hasPassword: (await accounts.profile())?.hasPassword ?? false,
      tokens: await accounts.tokens(),
      now: deps.now(),
      isFresh,
      ...more,
    });
  if (request.method !== "POST") {
    const query = new URLSearchParams(request.query);
    const revoked = query.get("revoke");
    if (revoked !== null) {
      const token = (await accounts.tokens()).find(({ id }) => id === revoked);
      return token ? revokePage(token, deps.now(), request.reader) : redirect(HERE);
    }
    const key = query.get("made") ?? "";
    const secret = request.method === "GET" ? await deps.once.take(principal.name, key) : null;
    const done = query.get("done") === "password" ? "You have another password now." : null;
    return show({ secret, done });
  }
  const form = await readForm(request, deps);
  try {
    switch (form.get("do")) {
      case "revoke":
        await accounts.revokeToken(form.get("id") ?? "");
        return redirect(HERE);
      case "password": {
        const [old, next] = [form.get("old") ?? "", form.get("new") ?? ""];
        await accounts.changeProfile({ password: { old, new: next } });
        // It ended all sessions, this one too.
        const cookie = await deps.begin(principal.name, request);
        return redirect(`${HERE}?done=password`, { "set-cookie": cookie });
      }
      default: {
        if (!isFresh) throw notFresh();
        const wish = wishOf(form, deps.now());
        if ((await accounts.tokens()).some(({ name }) => name === wish.name))
          throw new Problem("conflict", `There is a token ${wish.name} already`, {
            rule: "token-name",
          });
        const { secret } = await accounts.issueToken(wish);
        // Shown by another page: whoever loads that again makes no second token.
        return redirect(`${HERE}?made=${await deps.once.put(principal.name, secret)}`);
      }
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { ...(await show({ wrong: { problem: error, form } })), status: error.status };
  }
}
