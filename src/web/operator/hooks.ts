// `/-/operator/hooks`: who is told of what happens here, what was told, what failed, and telling it once more.
import { html, type Part } from "../frame/html.ts";
import { number } from "../frame/text.ts";
import { chip, empty, type Tone, table } from "../frame/ui.ts";
import { action, filters, type Listed, older, operatorPage, select, since } from "./pieces.ts";
import { address, formPage, pathOf, type Visit } from "./visit.ts";

const HERE = "/-/operator/hooks";

interface HookShape {
  name: string;
  to: string;
  waiting: number;
  failed: number;
  lastTold: string | null;
  unavailable: string | null;
}

interface MessageShape {
  id: string;
  type: string;
  repository: string;
  package: string | null;
  state: "waiting" | "told" | "failed";
  createdAt: string;
  tries: number;
  triedAt: string | null;
  nextAt: string | null;
  error: string | null;
}

interface TryShape {
  isTold: boolean;
  error: string | null;
}

export const serveHooks = formPage(
  async (visit, wrong) => {
    const { items } = await visit.get<Listed<HookShape>>("/hooks", { limit: "1000" });
    return operatorPage(
      {
        title: "Hooks",
        here: HERE,
        wrong,
        done: outcome(visit),
        main:
          items.length === 0
            ? empty(
                html`Nobody is told of what happens here. <code>hooks:</code> in the configuration says who is.`,
              )
            : hookTable(items, visit),
      },
      visit,
    );
  },
  async (visit, form) => {
    const name = form.get("hook") ?? "";
    const { isTold, error } = await visit.send<TryShape>("POST", `/hooks${pathOf`/${name}`}/test`);
    return address(HERE, { tried: isTold ? "well" : (error ?? "it failed"), hook: name });
  },
);

function outcome({ query }: Visit): string | null {
  const [tried, hook] = [query.get("tried"), query.get("hook")];
  if (tried === null) return null;
  return tried === "well"
    ? `${hook} was told that it is tried out.`
    : `${hook} could not be told: ${tried}`;
}

function hookTable(hooks: readonly HookShape[], { now }: Visit): Part {
  return table(
    "Hooks and how they fare",
    [
      { label: "Hook" },
      { label: "To" },
      { label: "State" },
      { label: "Waiting", kind: "number" },
      { label: "Failed", kind: "number" },
      { label: "Last told", kind: "tight" },
      { label: "Try it", isHidden: true },
    ],
    hooks.map((one) => [
      html`<a href="${HERE}${pathOf`/${one.name}`}">${one.name}</a>`,
      one.to,
      one.unavailable
        ? html`${chip("bad", "not tried now")} ${one.unavailable}`
        : one.failed > 0
          ? chip("warn", "some failed")
          : chip("good", "well"),
      number(one.waiting),
      number(one.failed),
      since(one.lastTold, now, "never"),
      action(HERE, { hook: one.name }, "Try it out", one.name),
    ]),
  );
}

export const serveHook = formPage(
  async (visit, wrong) => {
    const name = visit.params["hook"]!;
    const path = `${HERE}${pathOf`/${name}`}`;
    const state = visit.query.get("state");
    const found = await visit.get<Listed<MessageShape>>(`/hooks${pathOf`/${name}`}/messages`, {
      state,
      limit: "50",
      cursor: visit.query.get("cursor"),
    });
    return operatorPage(
      {
        title: `Hook ${name}`,
        here: HERE,
        wrong,
        done: outcome(visit),
        main: html`${filters(path, [
          select(
            "state",
            "State",
            [
              { value: "", text: "All" },
              { value: "waiting", text: "Waiting" },
              { value: "told", text: "Told" },
              { value: "failed", text: "Failed" },
            ],
            state,
          ),
        ])}${messages(path, found, visit)}${older(path, visit.query, found.next)}
<div class="apart">${action(path, { do: "all" }, "Tell all that failed once more")}</div>`,
      },
      visit,
    );
  },
  async (visit, form) => {
    const name = visit.params["hook"]!;
    const api = `/hooks${pathOf`/${name}`}`;
    const path = `${HERE}${pathOf`/${name}`}`;
    if (form.get("do") === "all") {
      await visit.send("POST", `${api}/resend`);
      return `${path}?state=waiting`;
    }
    const { isTold, error } = await visit.send<TryShape>(
      "POST",
      `${api}/messages${pathOf`/${form.get("message") ?? ""}`}/resend`,
    );
    return address(path, { tried: isTold ? "well" : (error ?? "it failed"), hook: name });
  },
);

const TONES: Readonly<Record<MessageShape["state"], Tone>> = {
  waiting: "plain",
  told: "good",
  failed: "bad",
};

function messages(path: string, { items }: Listed<MessageShape>, { now }: Visit): Part {
  if (items.length === 0) return empty("Nothing of that is known.");
  return table(
    "Messages, the newest first",
    [
      { label: "What" },
      { label: "About" },
      { label: "State" },
      { label: "Happened", kind: "tight" },
      { label: "Tries", kind: "number" },
      { label: "Next", kind: "tight" },
      { label: "Tell it again", isHidden: true },
    ],
    items.map((one) => [
      one.type,
      one.package ? `${one.package} in ${one.repository}` : one.repository,
      html`${chip(TONES[one.state], one.state)}${one.error ? html` ${one.error}` : null}`,
      since(one.createdAt, now),
      number(one.tries),
      since(one.nextAt, now),
      action(path, { message: one.id }, "Tell it again", `${one.type} ${one.id}`),
    ]),
    { isList: false },
  );
}
