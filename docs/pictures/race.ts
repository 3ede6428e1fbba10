import type { Row } from "./rows.ts";
import { cell, picture, text } from "./svg.ts";

const LEFT = 110;
const TOP = 56;
const CELL = 44;
const LINE = 18;

/**
 * The runs of all races, a row for each configuration and a column for each instance: those that won were run wherever others were.
 * A cell has the number of the race, and the stronger a colour, the lower the cost.
 * @param rows an export of the study, of which `metric` is minimized.
 */
export const drawRaces = (rows: readonly Row[], metric: string): string => {
  const costOf = (row: Row) => row[`values.${metric}`] ?? Number.NaN;
  const instances = [...new Set(rows.map(({ instance }) => instance ?? 0))].sort((a, b) => a - b);
  const runs = Map.groupBy(rows, ({ configuration }) => configuration ?? 0);
  const mean = (of: readonly Row[]) => of.reduce((sum, row) => sum + costOf(row) / of.length, 0);
  const ranked = [...runs].sort(([, a], [, b]) => b.length - a.length || mean(a) - mean(b));
  const costs = rows.map(costOf);
  const [low, high] = [Math.min(...costs), Math.max(...costs)];
  const right = LEFT + instances.length * CELL;

  const marks = [
    text(LEFT, 18, `instance; in each cell the race, in a stronger colour for a lower ${metric}`, "quiet"),
    text(LEFT - 10, TOP - 12, "configuration", "quiet end"),
    text(right + 12, TOP - 12, `mean ${metric}`, "quiet"),
    ...instances.map((instance, i) =>
      text(LEFT + (i + 0.5) * CELL, TOP - 12, String(instance), "quiet middle"),
    ),
  ];
  ranked.forEach(([configuration, of], i) => {
    const y = TOP + i * LINE;
    marks.push(text(LEFT - 10, y + 10, String(configuration), "ink end"));
    for (const row of of) {
      const x = LEFT + instances.indexOf(row.instance ?? 0) * CELL;
      marks.push(cell(x, y - 4, CELL - 2, LINE - 2, 0.08 + (0.6 * (high - costOf(row))) / (high - low)));
      marks.push(text(x + CELL / 2 - 1, y + 8, String(row.iteration), "ink small middle"));
    }
    marks.push(text(right + 12, y + 10, mean(of).toFixed(4), i === 0 ? "accent" : "ink"));
  });
  const title = "The configurations of a study that races, and on which instances each was run";
  return picture(right + 110, TOP + ranked.length * LINE + 4, title, marks);
};
