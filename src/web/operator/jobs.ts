// `/-/operator/jobs` and `/-/operator/feeds`: what the server does by itself, when, how that went; and a turn of it now.
import { html, type Part } from "../frame/html.ts";
import { number, span } from "../frame/text.ts";
import { chip, empty, table } from "../frame/ui.ts";
import { type ProgressShape, progressBar, runTable } from "./operations.ts";
import { feedTable } from "./overview.ts";
import { action, type Listed, operatorPage, since } from "./pieces.ts";
import { repositoryPath } from "./repositories.ts";
import type { FeedShape, RunShape } from "./shapes.ts";
import { formPage, pathOf, type Visit } from "./visit.ts";

const JOBS = "/-/operator/jobs";
const FEEDS = "/-/operator/feeds";

interface JobShape {
  name: string;
  everySeconds: number;
  isRunning: boolean;
  isElsewhere: boolean;
  startedAt: string | null;
  endedAt: string | null;
  error: string | null;
  failures: number;
  failed: { at: string; why: string } | null;
  nextAt: string;
}

interface WorkShape {
  repository: string;
  name: string;
  summary: string;
  everySeconds: number | null;
  running: { since: string; by: string; progress: ProgressShape | null } | null;
  last: {
    startedAt: string;
    endedAt: string;
    end: "done" | "incomplete" | "stopped" | "failed";
    error: string | null;
  } | null;
  doneAt: string | null;
  nextAt: string | null;
}

export const serveJobs = formPage(
  async (visit, wrong) => {
    const [jobs, work, runs] = await Promise.all([
      visit.get<Listed<JobShape>>("/jobs", { limit: "1000" }),
      visit.get<{ items: WorkShape[] }>("/jobs/work"),
      visit.get<Listed<RunShape>>("/operations", { limit: "20" }),
    ]);
    return operatorPage(
      {
        title: "Jobs",
        here: JOBS,
        wrong,
        done: visit.query.has("run") ? `${visit.query.get("run")} has begun.` : null,
        main: html`<h2>Mirrors and their like</h2>${workTable(work.items, visit)}<h2>Begun by hand</h2>${runTable(runs.items, visit)}<h2>By the server itself</h2>${jobTable(jobs.items, visit)}`,
      },
      visit,
    );
  },
  async (visit, form) => {
    const name = form.get("job") ?? "";
    await visit.send("POST", `/jobs${pathOf`/${name}`}/run`);
    return `${JOBS}?run=${encodeURIComponent(name)}`;
  },
);

function workTable(work: readonly WorkShape[], { now }: Visit): Part {
  if (work.length === 0)
    return empty(
      "No repository here has work of its own: mirrors of apt and code hosts have some.",
    );
  return table(
    "Work of formats on their repositories",
    [
      { label: "Repository" },
      { label: "Work" },
      { label: "State" },
      { label: "Last done", kind: "tight" },
      { label: "Every", kind: "number" },
      { label: "Next", kind: "tight" },
    ],
    work.map((one) => [
      html`<a href="${repositoryPath(one.repository)}">${one.repository}</a>`,
      one.name,
      workState(one, now),
      since(one.doneAt, now, "never"),
      one.everySeconds === null
        ? html`<span class="soft">by hand</span>`
        : span(one.everySeconds * 1000),
      one.running ? html`<span class="soft">it runs</span>` : since(one.nextAt, now),
    ]),
    { isList: false },
  );
}

function workState({ running, last }: WorkShape, now: number): Part {
  if (running)
    return html`${chip("plain", "running")} ${running.progress ? progressBar(running.progress) : null} <span class="soft">since ${since(running.since, now)} by ${running.by}</span>`;
  if (!last) return html`<span class="soft">not since the start</span>`;
  const ended = since(last.endedAt, now);
  switch (last.end) {
    case "done":
      return html`${chip("good", "done")} ${ended}`;
    case "incomplete":
      return html`${chip("warn", "not complete")} ${ended}: the log says what is missing`;
    case "stopped":
      return html`${chip("plain", "stopped")} ${ended}`;
    case "failed":
      return html`${chip("bad", "failed")} ${ended}: ${last.error}`;
  }
}

function jobTable(jobs: readonly JobShape[], { now }: Visit): Part {
  return table(
    "What the server does by itself",
    [
      { label: "Job" },
      { label: "State", kind: "tight" },
      { label: "Last", kind: "tight" },
      { label: "Took", kind: "number" },
      { label: "Every", kind: "number" },
      { label: "Next", kind: "tight" },
      { label: "Failures" },
      { label: "Run it", isHidden: true },
    ],
    jobs.map((job) => [
      job.name,
      job.isRunning
        ? chip("plain", "running")
        : job.isElsewhere
          ? chip("plain", "another server's")
          : job.error
            ? html`${chip("bad", "failed")} ${job.error}`
            : job.startedAt === null
              ? chip("plain", "not yet")
              : chip("good", "well"),
      since(job.startedAt, now),
      job.startedAt && job.endedAt && !job.isRunning
        ? span(Date.parse(job.endedAt) - Date.parse(job.startedAt))
        : "–",
      span(job.everySeconds * 1000),
      since(job.nextAt, now),
      job.failed && !job.error
        ? html`${number(job.failures)} <span class="soft">last ${since(job.failed.at, now)}: ${job.failed.why}</span>`
        : number(job.failures),
      action(JOBS, { job: job.name }, "Run now", job.name),
    ]),
    { isList: false },
  );
}

export const serveFeeds = formPage(
  async (visit, wrong) => {
    const { items } = await visit.get<Listed<FeedShape>>("/feeds", { limit: "1000" });
    return operatorPage(
      {
        title: "Feeds",
        here: FEEDS,
        wrong,
        lead: "What tells which releases are known to be bad. What a feed told before counts also while it cannot be read.",
        main: html`${feedTable(items, visit)}${items.length > 0 ? html`<div class="apart">${action(FEEDS, { do: "refresh" }, "Read all of them now")}</div>` : null}`,
      },
      visit,
    );
  },
  async (visit) => {
    const { id } = await visit.send<RunShape>("POST", "/operations", { name: "feeds refresh" });
    return `/-/operator/operations/${id}`;
  },
);
