// `/-/operator/jobs` and `/-/operator/feeds`: what the server does by itself, when, how that went; and a turn of it now.
import { html, type Part } from "../frame/html.ts";
import { number, span } from "../frame/text.ts";
import { chip, table } from "../frame/ui.ts";
import { runTable } from "./operations.ts";
import { feedTable } from "./overview.ts";
import { action, type Listed, operatorPage, since } from "./pieces.ts";
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
  nextAt: string;
}

export const serveJobs = formPage(
  async (visit, wrong) => {
    const [jobs, runs] = await Promise.all([
      visit.get<Listed<JobShape>>("/jobs", { limit: "1000" }),
      visit.get<Listed<RunShape>>("/operations", { limit: "20" }),
    ]);
    return operatorPage(
      {
        title: "Jobs",
        here: JOBS,
        wrong,
        done: visit.query.has("run") ? `${visit.query.get("run")} has begun.` : null,
        main: html`<h2>Begun by hand</h2>${runTable(runs.items, visit)}<h2>By the server itself</h2>${jobTable(jobs.items, visit)}`,
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
      { label: "Failures", kind: "number" },
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
      number(job.failures),
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
