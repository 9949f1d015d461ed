// `/-/operator/operations/{id}`: long work that was begun, how far it is, and what it said.
import { html, type Part } from "../frame/html.ts";
import { moment, number, span } from "../frame/text.ts";
import { chip, empty, facts, table } from "../frame/ui.ts";
import { action, operatorPage, since } from "./pieces.ts";
import type { RunShape } from "./shapes.ts";
import { formPage, pathOf, type Visit } from "./visit.ts";

const HERE = "/-/operator/operations";

export const serveOperation = formPage(
  async (visit, wrong) => {
    const id = visit.params["operation"]!;
    const run = await visit.get<RunShape>(`/operations${pathOf`/${id}`}`);
    const { name, repository, by, startedAt, endedAt, progress, lines, error } = run;
    const isRunning = run.state === "running";
    const took = Date.parse(endedAt ?? new Date(visit.now).toISOString()) - Date.parse(startedAt);
    return operatorPage(
      {
        title: repository ? `${name} · ${repository}` : name,
        here: "/-/operator/jobs",
        beside: stateChip(run),
        wrong,
        main: html`${facts([
          ["Begun", html`${moment(Date.parse(startedAt))} by ${by}`],
          ["Took", isRunning ? html`${span(took)} so far` : span(took)],
          ["Progress", progress && progressBar(progress)],
          ["Error", error],
        ])}
<h2>What it said</h2>${lines.length > 0 ? html`<pre tabindex="0">${lines.join("\n")}</pre>` : empty(isRunning ? "Nothing yet." : "Nothing.")}
${isRunning ? html`<div class="inline"><a class="button" href="${HERE}/${id}">Look again</a>${action(`${HERE}/${id}`, { do: "stop" }, "Stop it")}</div>` : null}`,
      },
      visit,
    );
  },
  async (visit) => {
    const id = visit.params["operation"]!;
    await visit.send("DELETE", `/operations${pathOf`/${id}`}`);
    return `${HERE}/${id}`;
  },
);

function stateChip({ state }: RunShape) {
  return {
    running: chip("plain", "running"),
    done: chip("good", "done"),
    incomplete: chip("warn", "not complete"),
    failed: chip("bad", "failed"),
  }[state];
}

export type ProgressShape = NonNullable<RunShape["progress"]>;

/** In words, and as a bar. */
export function progressBar({ done, total, note }: ProgressShape): Part {
  return html`${number(done)} of ${number(total)} <span class="soft">${note}</span> <progress value="${done}" max="${Math.max(1, total)}" aria-label="Progress">${done}</progress>`;
}

/** The newest first. */
export function runTable(runs: readonly RunShape[], { now }: Visit): Part {
  if (runs.length === 0) return empty("Nothing was begun by hand since the start.");
  return table(
    "Work that was begun by hand",
    [
      { label: "Work" },
      { label: "State", kind: "tight" },
      { label: "By" },
      { label: "Begun", kind: "tight" },
    ],
    runs.map((run) => [
      html`<a href="${HERE}/${run.id}">${run.name}</a>${run.repository ? ` ${run.repository}` : null}`,
      stateChip(run),
      run.by,
      since(run.startedAt, now),
    ]),
  );
}
