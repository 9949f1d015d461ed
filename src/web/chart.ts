// A chart as text: SVG that is made here, with its words and a table beside it. Pure: points in, HTML out. Nothing in it needs a script, an
// inline style or a picture from elsewhere, so it stands under the strictest content security policy.
import { escapeHtml } from "../core/html.ts";
import { figure, type Unit, unitWords } from "./figures.ts";
import { timeMarks, valueMarks } from "./scale.ts";

/** Milliseconds since the epoch, and what was then; null where nothing is known, which is drawn as a gap. */
export type ChartPoint = readonly [at: number, value: number | null];

export interface ChartLine {
  /** What it is called in the key and in the table. */
  label: string;
  /** By time. */
  points: readonly ChartPoint[];
}

export interface Chart {
  /** Of this chart alone on its page: letters, digits and dashes. */
  id: string;
  title: string;
  unit: Unit;
  /** The span that is shown, in milliseconds since the epoch. Points outside of it are left out. */
  from: number;
  to: number;
  /** Six are drawn; more stand in the table alone. */
  lines: readonly ChartLine[];
  /** What the numbers are, in a sentence for people: "Requests in each minute". */
  about?: string;
  /** What the axis reaches at least, as 1 for a share. */
  atLeast?: number;
  /** In units of the drawing, which grows with its place; text is 13 of them high. */
  width?: number;
  height?: number;
}

const WIDTH = 480;
const HEIGHT = 200;
const LEFT = 64;
const RIGHT = 20;
const TOP = 10;
const BOTTOM = 26;
const DRAWN = 6;
/** Of one line: a point for every two units. */
const MOST_POINTS = 240;
const MOST_ROWS = 60;

/**
 * A `figure` with caption, drawing, key, and the same numbers as a table under `details`. Lines differ by dashes as well as by colour. Style it with
 * `chartStyle`. Every text is escaped here; numbers may be of any size, negative, or none at all.
 */
export function chart(asked: Chart): string {
  const { id, title, unit, about } = asked;
  const lines = asked.lines.map((line) => ({ ...line, points: inside(line.points, asked) }));
  const words = summary(lines, asked);
  const drawn = lines.slice(0, DRAWN);
  const inUnit = unit === "count" ? "" : ` <span class="soft">(${unitWords[unit]})</span>`;
  return `<figure class="chart"><figcaption id="${id}-caption">${escapeHtml(title)}${inUnit}</figcaption>
${about ? `<p class="soft">${escapeHtml(about)}</p>\n` : ""}<div class="chart-scroll" tabindex="0" role="group" aria-labelledby="${id}-caption">${drawing(drawn, asked, words)}</div>
${key(drawn, unit)}${table(lines, asked)}</figure>`;
}

/** What is larger is drawn as this: beyond it there is no room left to reckon in. */
const LARGEST = 1e300;

/** The points within the span, with what is no number as a gap. */
function inside(points: readonly ChartPoint[], { from, to }: Chart): ChartPoint[] {
  return points
    .filter(([at]) => at >= from && at <= to)
    .map(([at, value]) => [
      at,
      value !== null && Number.isFinite(value)
        ? Math.max(-LARGEST, Math.min(LARGEST, value))
        : null,
    ]);
}

function valuesOf({ points }: ChartLine): number[] {
  return points.flatMap(([, value]) => (value === null ? [] : [value]));
}

const lowest = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b));
const highest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b));

/** What somebody is told who does not see the drawing. */
function summary(lines: readonly ChartLine[], { from, to, unit }: Chart): string {
  const span = `From ${moment(from)} to ${moment(to)}`;
  const said = lines.flatMap((line) => {
    const values = valuesOf(line);
    if (values.length === 0) return [];
    const [low, high, last] = [lowest(values), highest(values), values.at(-1)!];
    return [
      `${line.label}: ${figure(low, unit)} to ${figure(high, unit)}, at last ${figure(last, unit)}`,
    ];
  });
  return said.length === 0 ? `${span}: nothing is known yet.` : `${span}. ${said.join(". ")}.`;
}

function drawing(lines: readonly ChartLine[], asked: Chart, words: string): string {
  const { id, title, unit, from, to, width = WIDTH, height = HEIGHT } = asked;
  const [right, bottom] = [width - RIGHT, height - BOTTOM];
  const values = lines.flatMap(valuesOf);
  const marks = valueMarks(lowest([0, ...values]), highest([asked.atLeast ?? 0, ...values]), unit);
  const [low, high] = [marks[0]!, marks.at(-1)!];
  const x = (at: number) => LEFT + ((at - from) / Math.max(1, to - from)) * (right - LEFT);
  const y = (value: number) => bottom - ((value - low) / (high - low)) * (bottom - TOP);

  const grid = marks.map((value) => {
    const [at, name] = [digits(y(value)), value === 0 ? "chart-zero" : "chart-grid"];
    return `<path class="${name}" d="M${LEFT} ${at}H${right}"/><text x="${LEFT - 8}" y="${at}" dy=".35em" text-anchor="end">${figure(value, unit)}</text>`;
  });
  const times = timeMarks(from, to).map(({ at, text }) => {
    const place = digits(x(at));
    return `<path class="chart-grid" d="M${place} ${bottom}v5"/><text x="${place}" y="${height - 6}" text-anchor="middle">${text}</text>`;
  });
  const paths = lines.map((line, nth) => {
    const points = thinned(line.points, MOST_POINTS);
    const pieces = unbroken(points).map((piece) => piece.map(([at, value]) => [x(at), y(value)]));
    const d = pieces.map(pathOf).join("");
    if (d === "") return "";
    const base = digits(y(Math.max(low, 0)));
    const area = lines.length > 1 ? "" : pieces.map((piece) => areaOf(piece, base)).join("");
    return `${area && `<path class="chart-area" d="${area}"/>`}<path class="chart-line chart-${nth + 1}" d="${d}"/>`;
  });
  const empty =
    values.length > 0
      ? ""
      : `<text x="${(LEFT + right) / 2}" y="${(TOP + bottom) / 2}" text-anchor="middle">Nothing is known yet</text>`;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-words"><title id="${id}-title">${escapeHtml(title)}</title><desc id="${id}-words">${escapeHtml(words)}</desc>${grid.join("")}${times.join("")}${paths.join("")}${empty}</svg>`;
}

type Known = readonly [at: number, value: number];

/** The runs of points between gaps. */
function unbroken(points: readonly ChartPoint[]): Known[][] {
  const pieces: Known[][] = [];
  let current: Known[] = [];
  for (const [at, value] of points) {
    if (value === null) current = [];
    else if (current.push([at, value]) === 1) pieces.push(current);
  }
  return pieces;
}

/** A point by itself is a line without a length: round ends make a dot of it. */
function pathOf(piece: readonly number[][]): string {
  const [first, ...rest] = piece.map(([x, y]) => `${digits(x!)} ${digits(y!)}`);
  return `M${first}${rest.length === 0 ? "h0" : `L${rest.join(" ")}`}`;
}

function areaOf(piece: readonly number[][], base: string): string {
  if (piece.length < 2) return "";
  const along = piece.map(([x, y]) => `${digits(x!)} ${digits(y!)}`).join(" ");
  return `M${digits(piece[0]![0]!)} ${base}L${along}V${base}Z`;
}

function digits(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** At most so many, each the highest of those that it stands for: peaks are what is looked for. */
function thinned(points: readonly ChartPoint[], most: number): readonly ChartPoint[] {
  if (points.length <= most) return points;
  const each = Math.ceil(points.length / most);
  const kept: ChartPoint[] = [];
  for (let at = 0; at < points.length; at += each) {
    const group = points.slice(at, at + each);
    const values = group.flatMap(([, value]) => (value === null ? [] : [value]));
    kept.push([group[0]![0], values.length === 0 ? null : highest(values)]);
  }
  return kept;
}

/** Which line is which, and what it was at last. */
function key(lines: readonly ChartLine[], unit: Unit): string {
  if (lines.length < 2) return "";
  const items = lines.map((line, nth) => {
    const last = figure(valuesOf(line).at(-1) ?? null, unit);
    return `<li><svg viewBox="0 0 28 8" aria-hidden="true"><path class="chart-line chart-${nth + 1}" d="M2 4H26"/></svg> ${escapeHtml(line.label)} <span class="soft">${last}</span></li>`;
  });
  return `<ul class="chart-key">${items.join("")}</ul>\n`;
}

function table(lines: readonly ChartLine[], { title, unit }: Chart): string {
  const shown = lines.map(({ points }) => new Map(thinned(points, MOST_ROWS)));
  const times = [...new Set(shown.flatMap((points) => [...points.keys()]))].sort((a, b) => b - a);
  const isThinned = lines.some(({ points }) => points.length > MOST_ROWS);
  const head = lines
    .map(({ label }) => `<th scope="col" class="number">${escapeHtml(label)}</th>`)
    .join("");
  const rows = times.map((at) => {
    const cells = shown.map(
      (points) => `<td class="number">${figure(points.get(at) ?? null, unit)}</td>`,
    );
    return `<tr><th scope="row">${moment(at)}</th>${cells.join("")}</tr>`;
  });
  const caption = `${title}, the newest first${isThinned ? ", each the highest of its span" : ""}`;
  const body =
    rows.length === 0
      ? "<p>Nothing is known yet.</p>"
      : `<div class="chart-scroll" tabindex="0" role="group" aria-label="${escapeHtml(`${title} as a table`)}"><table><caption class="soft">${escapeHtml(caption)}</caption><thead><tr><th scope="col">Time (UTC)</th>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
  return `<details><summary>As a table<span class="hide">: ${escapeHtml(title)}</span></summary>${body}</details>`;
}

function moment(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace("T", " ");
}

/**
 * For the style sheet of pages that have charts. It takes `--soft` and `--line` of theirs, and of `--chart-1` to `--chart-6` those that they have; the
 * colours here have a contrast of 3 : 1 and more on white and on #0d1117 (WCAG 2.2, 1.4.11).
 */
export const chartStyle = `.chart { margin: 0 0 1.5rem } .chart figcaption { font-weight: 600 } .chart figcaption span { font-weight: 400 }
.chart-scroll { overflow-x: auto } .chart svg { display: block; width: 100%; min-width: 24rem; max-width: 38rem; height: auto } .chart text { fill: var(--soft); font: 13px system-ui, sans-serif; font-variant-numeric: tabular-nums }
.chart-grid, .chart-zero { fill: none; stroke: var(--line) } .chart-zero { stroke: var(--soft) } .chart-area { fill: var(--chart-1, light-dark(#0757b0, #79b8ff)); opacity: .12 }
.chart-line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round } .chart-1 { stroke: var(--chart-1, light-dark(#0757b0, #79b8ff)) } .chart-2 { stroke: var(--chart-2, light-dark(#b35900, #e3b341)); stroke-dasharray: 7 4 }
.chart-3 { stroke: var(--chart-3, light-dark(#1a7f37, #3fb950)); stroke-dasharray: 2 4 } .chart-4 { stroke: var(--chart-4, light-dark(#b3261e, #ff8078)); stroke-dasharray: 10 3 2 3 } .chart-5 { stroke: var(--chart-5, light-dark(#7a3e9d, #c297e0)); stroke-dasharray: 12 5 } .chart-6 { stroke: var(--chart-6, light-dark(#57606a, #9198a1)); stroke-dasharray: 4 2 }
.chart .chart-key { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .25rem 0; padding: 0; list-style: none; font-size: .875rem } .chart .chart-key svg { display: inline-block; width: 1.75rem; min-width: 0; vertical-align: middle }
@media (forced-colors: active) { .chart-line { stroke: CanvasText } .chart text { fill: CanvasText } .chart-area { display: none } }
`;
