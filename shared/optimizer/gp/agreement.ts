import type { Data } from "./model.ts";
import type { Slopes } from "./slopes.ts";

/** Each row is compared with so many of the nearest ones. */
const NEIGHBOURS = 3;
/**
 * Told gradients whose promises correlate less than this with what came are not believed. On smooth functions of 5 to 20 parameters the
 * correlation was above 0.5 for exact gradients, nearly always above 0.4 where each number had an error of half its size, and within
 * 0.5 of 0 for random numbers.
 */
const LEAST = 0.3;

/**
 * Whether told slopes agree with the targets: the mean slope of two rows times the way between them should be the difference of their
 * targets, up to the third order (the trapezoidal rule). Only rows whose choices are the same are compared. Of features whose slopes one of both
 * does not have the way counts for nothing, and then less agreement is expected.
 * @returns true also where nothing can be compared.
 */
export const doAgree = (data: Data, slopes: Slopes): boolean => {
  const { layout, features, targets } = data;
  const { width, numeric } = layout;
  const byRow = slopesByRow(slopes, numeric);
  const rows = [...byRow.keys()];
  const isAlike = (a: number, b: number) => {
    for (let j = numeric; j < width; j++)
      if (features[a * width + j] !== features[b * width + j]) return false;
    return true;
  };
  const distance = (a: number, b: number) => {
    let sum = 0;
    for (let j = 0; j < numeric; j++) sum += (features[a * width + j]! - features[b * width + j]!) ** 2;
    return sum;
  };
  let [together, promises, differences, pairs, shares] = [0, 0, 0, 0, 0];
  for (const a of rows) {
    const others = rows.filter((b) => b !== a && isAlike(a, b));
    const near = others
      .map((b) => ({ b, far: distance(a, b) }))
      .sort((one, other) => one.far - other.far)
      .slice(0, NEIGHBOURS);
    for (const { b } of near) {
      const [s, t] = [byRow.get(a)!, byRow.get(b)!];
      let [promised, compared] = [0, 0];
      for (let j = 0; j < numeric; j++) {
        const mean = (s[j]! + t[j]!) / 2;
        if (Number.isNaN(mean)) continue;
        promised += mean * (features[b * width + j]! - features[a * width + j]!);
        compared++;
      }
      pairs++;
      shares += compared / numeric;
      const came = targets[b]! - targets[a]!;
      together += promised * came;
      promises += promised * promised;
      differences += came * came;
    }
  }
  const least = LEAST * Math.sqrt(shares / pairs);
  return !(together < least * Math.sqrt(promises * differences));
};

/** The slopes of rows by every numeric feature, NaN where there is none. */
const slopesByRow = ({ rows, axes, values }: Slopes, numeric: number): ReadonlyMap<number, Float64Array> => {
  const byRow = new Map<number, Float64Array>();
  for (const [k, row] of rows.entries()) {
    const slopes = byRow.get(row) ?? new Float64Array(numeric).fill(Number.NaN);
    slopes[axes[k]!] = values[k]!;
    byRow.set(row, slopes);
  }
  return byRow;
};
