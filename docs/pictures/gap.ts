import { circle, line, picture, scale, text } from "./svg.ts";

/** What nested cross-validation found on a data set. */
export interface Estimate {
  readonly innerMean: number;
  readonly mean: number;
  readonly standardError: number;
}

/** Reads the rows of the table in `bench/README.md` that are about noise, searched at random. */
export const estimatesIn = (page: string): Estimate[] =>
  Array.from(
    page.matchAll(/^\| noise \d+, random +\| ([\d.]+) +\| ([\d.]+) +\| ([\d.]+) +\|/gm),
    ([, innerMean, mean, standardError]) => ({
      innerMean: Number(innerMean),
      mean: Number(mean),
      standardError: Number(standardError),
    }),
  );

/** Student's distribution with 4 degrees of freedom, of five outer folds, at 97.5%. */
const T = 2.776;

const LEFT = 80;
const RIGHT = 740;
const TOP = 44;
const LINE = 24;

/**
 * The inner and the outer score of data sets whose labels are noise, with the interval of the outer one.
 * @param chance what no model can do better than.
 */
export const drawGaps = (estimates: readonly Estimate[], chance: number): string => {
  const x = scale([0.1, 0.8], [LEFT, RIGHT]);
  const bottom = TOP + estimates.length * LINE;
  const marks = [text(LEFT - 12, 18, "data set", "quiet end")];
  for (const tick of [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]) {
    marks.push(
      line(x(tick), TOP - 10, x(tick), bottom),
      text(x(tick), bottom + 18, tick.toFixed(1), "quiet middle"),
    );
  }
  marks.push(
    line(x(chance), TOP - 10, x(chance), bottom, "thin"),
    text(x(chance), 18, "chance", "quiet middle"),
  );
  marks.push(text(RIGHT, 18, "● outer score, 95% interval   ○ inner score", "quiet end"));
  estimates.forEach(({ innerMean, mean, standardError }, i) => {
    const y = TOP + (i + 0.5) * LINE;
    marks.push(text(LEFT - 12, y + 4, String(i + 1), "ink end"));
    marks.push(line(x(mean - T * standardError), y, x(mean + T * standardError), y, "bold"));
    marks.push(circle(x(mean), y, 5, "ink"), circle(x(innerMean), y, 5, "hollow"));
  });
  marks.push(text((LEFT + RIGHT) / 2, bottom + 36, "accuracy", "quiet middle"));
  return picture(RIGHT + 20, bottom + 44, "Inner and outer scores on labels that are noise", marks);
};
