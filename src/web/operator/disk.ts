// `/-/operator/disk`: what is free, what was fetched, what is to go and what keeps it; and making room.

import { chartPoints, ofGauge } from "../../core/series-reading.ts";
import { humanSize } from "../../core/size.ts";
import { chart } from "../chart.ts";
import { html, type Part, raw } from "../frame/html.ts";
import { percent } from "../frame/text.ts";
import { figures, notice, table } from "../frame/ui.ts";
import { fullWords } from "./overview.ts";
import { action, operatorPage } from "./pieces.ts";
import type { DiskShape, ForecastShape, RunShape } from "./shapes.ts";
import { formPage, type Visit } from "./visit.ts";

const HERE = "/-/operator/disk";
/** Work on the whole store, by the name of its operation. */
const WORK: Readonly<Record<string, { name: string; values: Record<string, string> }>> = {
  dry: { name: "disk clean", values: { "dry-run": "true" } },
  clean: { name: "disk clean", values: {} },
  gc: { name: "gc", values: {} },
  verify: { name: "verify", values: {} },
};

export const serveDisk = formPage(
  async (visit, wrong) => {
    const disk = await visit.get<DiskShape>("/disk");
    const forecast = await visit.get<ForecastShape>("/disk/forecast");
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
            hint: "Below it room is made (disk: keepFree)",
          },
          {
            name: "To go",
            value: humanSize(wanted),
            hint: "By quotas and the free space to keep",
          },
        ])}
${await diskChart(visit)}
<h2>Repositories</h2>${repositories(disk)}
<h2>Make room</h2><p class="soft">What was published here, what its upstream no longer has and what others are shown by never goes. Pins stay: a file that is fetched again must be the same.</p>
<div class="inline">${action(HERE, { do: "dry" }, "Say what would go")}${action(HERE, { do: "clean" }, "Make the room that is wanted")}${action(HERE, { do: "gc" }, "Remove what nothing names")}${action(HERE, { do: "verify" }, "Check all stored bytes")}</div>`,
      },
      visit,
    );
  },
  async (visit, form) => {
    const { id } = await visit.send<RunShape>(
      "POST",
      "/operations",
      WORK[form.get("do") ?? ""] ?? WORK["dry"],
    );
    return `/-/operator/operations/${id}`;
  },
);

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

function repositories({ repositories }: DiskShape): Part {
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
      name,
      humanSize(fetched),
      quota === null ? "none" : humanSize(quota),
      wanted > 0 ? humanSize(wanted) : "–",
      whyNot ?? html`<span class="soft">nothing</span>`,
    ]),
    { isList: false },
  );
}
