// `/-/operator/disk`: what is free, what was fetched, what is to go and what keeps it; and making room.

import type { Problem } from "../../core/problem.ts";
import type { Reply } from "../../core/reply.ts";
import { chartPoints, ofGauge } from "../../core/series-reading.ts";
import { humanSize } from "../../core/size.ts";
import { chart } from "../chart.ts";
import { html, type Part, raw } from "../frame/html.ts";
import { percent } from "../frame/text.ts";
import { figures, notice, table } from "../frame/ui.ts";
import { fullWords } from "./overview.ts";
import { action, operatorPage, since } from "./pieces.ts";
import { repositoryPath } from "./repositories.ts";
import type { SettingsShape } from "./settings.ts";
import type { BackupsShape, DiskShape, ForecastShape, RunShape } from "./shapes.ts";
import { formPage, type Visit } from "./visit.ts";

const HERE = "/-/operator/disk";
/** Work on the whole store, by the name of its operation. `asks`: what comes of it, where it takes something away: that is asked about first. */
const WORK: Readonly<
  Record<
    string,
    { name: string; values: Record<string, string>; asks?: { title: string; says: string } }
  >
> = {
  dry: { name: "disk clean", values: { "dry-run": "true" } },
  clean: {
    name: "disk clean",
    values: {},
    asks: {
      title: "Make the room that is wanted?",
      says: "Fetched files go until quotas are kept and the space is free that the configuration asks for, those first that were used longest ago. They are fetched again when a client asks, as long as their upstream has them; with the cable cut they are missing. To see which, say what would go first.",
    },
  },
  gc: {
    name: "gc",
    values: {},
    asks: {
      title: "Remove what nothing names?",
      says: "Bytes that nothing in the catalog names any more go for good. It takes a while on a large store, beside everything else.",
    },
  },
  verify: { name: "verify", values: {} },
};

export const serveDisk = formPage(
  async (visit, wrong) => {
    const what = visit.query.get("ask") ?? "";
    const asked = Object.hasOwn(WORK, what) ? WORK[what]! : null;
    if (asked?.asks) return question(what, asked.asks, wrong, visit);
    const disk = await visit.get<DiskShape>("/disk");
    const forecast = await visit.get<ForecastShape>("/disk/forecast");
    const backups = await visit.get<BackupsShape>("/backups");
    const { items: settings } = await visit.get<SettingsShape>("/settings");
    const line = (path: string) => lineOf(settings, path);
    const over = disk.repositories.reduce((sum, one) => sum + one.wanted, 0);
    const wanted = Math.max(disk.wanted, over);
    return operatorPage(
      {
        title: "Disk",
        here: HERE,
        wrong,
        main: html`${
          wanted > 0
            ? notice(
                "warn",
                html`<p>${humanSize(wanted)} are to go: what was used longest ago goes first, a few files every ten seconds.</p>`,
              )
            : null
        }${figures([
          {
            name: "Free",
            value: humanSize(disk.free),
            hint: `${percent(disk.free, disk.total)}. ${fullWords(forecast)}`,
          },
          { name: "Total", value: humanSize(disk.total) },
          {
            name: "Kept free",
            value: disk.keepFree > 0 ? humanSize(disk.keepFree) : "–",
            hint: html`Below it room is made (disk: keepFree${line("disk.keepFree")})`,
          },
          {
            name: "To go",
            value: humanSize(wanted),
            hint: "By quotas and the free space to keep",
          },
        ])}
${await diskChart(visit)}
<h2>Repositories</h2>${repositories(disk, line)}
<h2 id="backups">Backups</h2>${lastBackup(backups, visit)}
<h2>Make room</h2><p class="soft">What was published here, what its upstream no longer has and what others are shown by never goes. Pins stay: a file that is fetched again must be the same.</p>
<div class="inline">${action(HERE, { do: "dry" }, "Say what would go")}${action(HERE, { do: "clean" }, "Make the room that is wanted")}${action(HERE, { do: "gc" }, "Remove what nothing names")}${action(HERE, { do: "verify" }, "Check all stored bytes")}</div>`,
      },
      visit,
    );
  },
  async (visit, form) => {
    const what = form.get("do") ?? "";
    const { name, values, asks } = Object.hasOwn(WORK, what) ? WORK[what]! : WORK["dry"]!;
    if (asks && form.get("sure") !== "yes") return `${HERE}?ask=${what}`;
    const { id } = await visit.send<RunShape>("POST", "/operations", { name, values });
    return `/-/operator/operations/${id}`;
  },
);

function lastBackup({ last, failed }: BackupsShape, { now }: Visit): Part {
  const ended = last
    ? html`<p>The last one came to its end ${since(last.at, now)}, in <span class="mono">${last.to}</span>${
        last.missing > 0
          ? html`; it has all but ${last.missing} of the files that the catalog names, which are not here either`
          : null
      }.</p>`
    : html`<p class="soft">No <code>holdfast backup</code> of this server has told how it ended.</p>`;
  return html`${
    failed
      ? notice(
          "warn",
          html`<p>One to <span class="mono">${failed.to}</span> failed ${since(failed.at, now)}: ${failed.why}</p>`,
        )
      : null
  }${ended}`;
}

function question(
  what: string,
  { title, says }: { title: string; says: string },
  wrong: Problem | null,
  visit: Visit,
): Reply {
  return operatorPage(
    {
      title,
      here: HERE,
      wrong,
      main: html`<p>${says}</p><div class="inline">${action(HERE, { do: what, sure: "yes" }, "Do it")}<a class="button quiet" href="${HERE}">Leave it as it is</a></div>`,
    },
    visit,
  );
}

const SPAN_MS = 14 * 86_400_000;

async function diskChart({ series, now }: Visit): Promise<Part> {
  const names = ["disk-used", "stored-bytes"] as const;
  const answer = await series({ from: now - SPAN_MS, to: now, names });
  const points = (name: (typeof names)[number]) =>
    chartPoints(
      answer,
      answer.series.filter((one) => one.name === name),
      ofGauge,
    );
  return raw(
    chart({
      id: "disk",
      title: "The disk in the last 14 days",
      unit: "bytes",
      from: answer.from,
      to: answer.to,
      lines: [
        { label: "used by everything", points: points("disk-used") },
        { label: "stored artifacts", points: points("stored-bytes") },
      ],
    }),
  );
}

/** Where a setting stands in the configuration file; nothing where it does not. */
function lineOf(settings: SettingsShape["items"], path: string): string {
  const line = settings.find((one) => one.path === path)?.line ?? null;
  return line === null ? "" : `, line ${line}`;
}

function repositories({ repositories }: DiskShape, line: (path: string) => string): Part {
  return table(
    "What was fetched, by repository",
    [
      { label: "Repository" },
      { label: "Fetched", kind: "number" },
      { label: "Quota", kind: "number" },
      { label: "To go", kind: "number" },
      { label: "What keeps it" },
    ],
    repositories.map(({ name, fetched, quota, wanted, whyNot }) => [
      html`<a href="${repositoryPath(name)}">${name}</a>`,
      humanSize(fetched),
      quota === null
        ? "none"
        : html`${humanSize(quota)}<span class="soft">${line(`repositories.${name}.quota`)}</span>`,
      wanted > 0 ? humanSize(wanted) : "–",
      whyNot ?? html`<span class="soft">nothing</span>`,
    ]),
    { isList: false },
  );
}
