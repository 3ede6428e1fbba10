import type { Row } from "./rows.ts";
import { circle, line, picture, scale, text } from "./svg.ts";

/** A setting that has a panel of its own. */
interface Panel {
  readonly name: string;
  readonly range: readonly [number, number];
  readonly ticks: readonly number[];
  readonly log: boolean;
}

const WIDTH = 760;
const LEFT = 120;
const RIGHT = 740;
const TOP = 64;
const PANEL = 150;
const GAP = 24;

/**
 * All segments of a population, each from where it resumed to where it ended at the height of its setting, and those that led to the
 * best one in bold: the schedule that was found.
 * @param rows an export of the study.
 */
export const drawLineage = (rows: readonly Row[], panels: readonly Panel[], metric: string): string => {
  const byNumber = new Map(rows.map((row) => [row.number, row]));
  const best = rows.reduce((a, b) => (resultOf(b, metric) > resultOf(a, metric) ? b : a));
  const lineage: Row[] = [];
  for (let row: Row | undefined = best; row !== undefined; row = byNumber.get(row.parent))
    lineage.unshift(row);
  const ends = [...new Set(rows.map((row) => row.resource ?? 0))].sort((a, b) => a - b);
  const x = scale([0, ends.at(-1) ?? 1], [LEFT, RIGHT]);
  const height = TOP + panels.length * (PANEL + GAP) + 24;

  const marks = [text(LEFT, 20, `${metric} of the best run after each segment`, "quiet")];
  for (const row of lineage) {
    const middle = (x(row.resumesAt ?? 0) + x(row.resource ?? 0)) / 2;
    marks.push(text(middle, 40, resultOf(row, metric).toFixed(3), "ink middle"));
  }
  panels.forEach(({ name, range, ticks, log }, i) => {
    const top = TOP + i * (PANEL + GAP);
    const y = scale(range, [top + PANEL, top], log);
    const at = (row: Row) => y(row[`params.${name}`] ?? range[0]);
    const draw = (row: Row, kind: string) => {
      const before = byNumber.get(row.parent);
      if (before !== undefined) {
        const joint = x(row.resumesAt ?? 0);
        marks.push(line(joint, at(before), joint, at(row), kind));
      }
      marks.push(line(x(row.resumesAt ?? 0), at(row), x(row.resource ?? 0), at(row), kind));
    };
    for (const tick of ticks) {
      marks.push(line(LEFT, y(tick), RIGHT, y(tick)), text(LEFT - 8, y(tick) + 4, String(tick), "quiet end"));
    }
    marks.push(text(12, top + PANEL / 2, name));
    for (const row of rows) draw(row, "thin");
    for (const row of lineage) draw(row, "bold");
    marks.push(circle(x(best.resource ?? 0), at(best), 5));
  });
  for (const end of [0, ...ends]) marks.push(text(x(end), height - 18, String(end), "quiet middle"));
  marks.push(text((LEFT + RIGHT) / 2, height - 2, "epoch", "quiet middle"));
  return picture(WIDTH, height, "The segments of a population, and the schedule of its best run", marks);
};

const resultOf = (row: Row, metric: string): number => row[`values.${metric}`] ?? Number.NaN;
