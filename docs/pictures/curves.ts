import { line, picture, scale, text } from "./svg.ts";

/** What is drawn along one axis. */
export interface Axis {
  readonly name: string;
  readonly range: readonly [number, number];
  readonly ticks: readonly number[];
  readonly log?: boolean;
}

/** One line, with its name at its end. */
export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Drawn in bold: what the picture is about. */
  readonly bold?: boolean;
}

const LEFT = 60;
const RIGHT = 560;
const TOP = 28;
const BOTTOM = 280;
/** The least distance of two names. */
const APART = 14;

/** Values over steps, one line for each series. */
export const drawCurves = (title: string, across: Axis, up: Axis, curves: readonly Curve[]): string => {
  const x = scale(across.range, [LEFT, RIGHT], across.log);
  const y = scale(up.range, [BOTTOM, TOP], up.log);
  const marks = [text(LEFT, 14, up.name, "quiet"), text(RIGHT, BOTTOM + 34, across.name, "quiet end")];
  for (const tick of up.ticks) {
    marks.push(line(LEFT, y(tick), RIGHT, y(tick)), text(LEFT - 8, y(tick) + 4, String(tick), "quiet end"));
  }
  for (const tick of across.ticks) marks.push(text(x(tick), BOTTOM + 18, String(tick), "quiet middle"));
  for (const { points, bold } of curves) {
    points.slice(1).forEach(([toX, toY], i) => {
      const [fromX, fromY] = points[i] ?? [toX, toY];
      marks.push(line(x(fromX), y(fromY), x(toX), y(toY), bold ? "bold" : "thin"));
    });
  }
  const ends = curves.flatMap(({ name, points, bold }) => {
    const last = points.at(-1);
    return last === undefined ? [] : [{ name, bold, at: y(last[1]) + 4 }];
  });
  const ordered = ends.toSorted((a, b) => a.at - b.at);
  const places = apart(ordered.map(({ at }) => at));
  for (const [i, { name, bold }] of ordered.entries()) {
    marks.push(text(RIGHT + 8, places[i] ?? BOTTOM, name, bold ? "accent" : "ink"));
  }
  return picture(760, BOTTOM + 44, title, marks);
};

/** Where names stand whose lines end at these heights, in order: none on another, and none below the axis. */
const apart = (wanted: readonly number[]): number[] => {
  let above = Number.NEGATIVE_INFINITY;
  const down = wanted.map((at) => {
    above = Math.max(at, above + APART);
    return above;
  });
  let below = BOTTOM + APART;
  return down
    .toReversed()
    .map((at) => {
      below = Math.min(at, below - APART);
      return below;
    })
    .toReversed();
};
