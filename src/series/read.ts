// Numbers over time, read for people: in as many steps as a chart has room for.
import {
  meaningOf,
  type Series,
  type SeriesAnswer,
  type SeriesPoint,
  type SeriesQuery,
} from "../core/series.ts";
import type { Query } from "../store/database.ts";
import { joined } from "./origins.ts";
import { type KnownSeries, readKnown, readPoints } from "./rows.ts";
import { beginOf, type ShownSteps, stepsFor } from "./steps.ts";

/** Points that are read before others have their turn. */
const AT_ONCE = 4096;

type Points = (SeriesPoint | null)[];

/** Works beside a server that writes. */
export async function readSeries(
  sql: Query,
  { from, to, names, repository, step }: SeriesQuery,
  now: number,
): Promise<SeriesAnswer> {
  const steps = stepsFor(from, to, now, step);
  const end = steps.from + steps.many * steps.length;
  const known = await readKnown(sql);
  const wanted = known.filter(
    ({ name, labels }) =>
      names.includes(name) && (repository === undefined || labels["repository"] === repository),
  );
  const ran = await timesOfRunning(sql, known, steps);
  const found = await pointsOf(sql, wanted, steps);
  const series = wanted.flatMap(({ id, name, labels }): Series[] => {
    const points = found.get(id);
    return points ? [{ name, labels, points: filled(points, ran, name) }] : [];
  });
  series.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  return { from: steps.from, to: end, step: steps.length, isRunning: end > now, series };
}

/** In the steps that are shown. Of a series without any there is nothing. */
async function pointsOf(
  sql: Query,
  wanted: readonly KnownSeries[],
  { kept, length, from, many }: ShownSteps,
): Promise<Map<number, Points>> {
  const ids = wanted.map(({ id }) => id);
  const found = new Map<number, Points>();
  if (ids.length === 0) return found;
  const end = from + many * length;
  const span = Math.ceil(AT_ONCE / ids.length) * kept;
  for (let begin = from; begin < end; begin += span) {
    const rows = await readPoints(sql, ids, kept, begin, Math.min(end, begin + span));
    for (const { series, at, ...amount } of rows) {
      let points = found.get(series);
      if (!points) {
        points = new Array<SeriesPoint | null>(many).fill(null);
        found.set(series, points);
      }
      const place = (beginOf(at, length) - from) / length;
      const before = points[place];
      points[place] = before ? joined(before, amount) : amount;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return found;
}

/** Of each step, whether the server ran: it looks at its own memory with every write. */
async function timesOfRunning(
  sql: Query,
  known: readonly KnownSeries[],
  steps: ShownSteps,
): Promise<readonly boolean[]> {
  const memory = known.filter(({ name }) => name === "memory");
  const [points] = (await pointsOf(sql, memory, steps)).values();
  return points?.map((point) => point !== null) ?? [];
}

/** Nothing was written down where nothing came: while the server ran, that is a zero. */
function filled(points: Points, ran: readonly boolean[], name: Series["name"]): Points {
  const { kind, isUnknownWhenAbsent } = meaningOf(name);
  if (isUnknownWhenAbsent) return points;
  const buckets = kind === "histogram" ? [] : null;
  return points.map((point, at) =>
    point || !ran[at] ? point : { sum: 0, count: kind === "gauge" ? 1 : 0, max: 0, buckets },
  );
}
