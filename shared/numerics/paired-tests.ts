import { gammaTail } from "./gamma.ts";
import { normalCdf } from "./normal.ts";
import { studentQuantile, studentTwoTails } from "./student.ts";

/** Tests of whether treatments differ that were all measured on the same blocks. A p-value is NaN where nothing can be said. */

/** Ranks from 1, equal values share their mean rank; and the sum of t^3 - t over groups of t equal values. */
export const averageRanks = (values: ArrayLike<number>) => {
  const n = values.length;
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) =>
    values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : 0,
  );
  const ranks = new Float64Array(n);
  let ties = 0;
  for (let from = 0; from < n; ) {
    let to = from + 1;
    while (to < n && values[order[to]!] === values[order[from]!]) to++;
    const t = to - from;
    for (let i = from; i < to; i++) ranks[order[i]!] = (from + to + 1) / 2;
    ties += t ** 3 - t;
    from = to;
  }
  return { ranks, ties };
};

/** What Friedman's test says. */
export interface Friedman {
  readonly statistic: number;
  /** By the chi-squared approximation. */
  readonly p: number;
  /** Sum of the ranks of each treatment, lower where its values are. */
  readonly rankSums: Float64Array;
  /** Of all squared ranks. */
  readonly squares: number;
}

/**
 * Friedman's test with the correction for ties. Source: Conover, Practical Nonparametric Statistics, 3rd edition, section 5.8.
 * @param y n blocks by rows, k treatments by columns.
 */
export const friedman = (y: Float64Array, n: number, k: number): Friedman => {
  const rankSums = new Float64Array(k);
  let squares = 0;
  let tied = 0;
  for (let i = 0; i < n; i++) {
    const { ranks, ties } = averageRanks(y.subarray(i * k, (i + 1) * k));
    tied += ties;
    for (let j = 0; j < k; j++) {
      rankSums[j]! += ranks[j]!;
      squares += ranks[j]! ** 2;
    }
  }
  const middle = (n * (k + 1)) / 2;
  const spread = rankSums.reduce((sum, rank) => sum + (rank - middle) ** 2, 0);
  const statistic = (12 * spread) / (n * k * (k + 1) - tied / (k - 1));
  return { statistic, p: gammaTail((k - 1) / 2, statistic / 2), rankSums, squares };
};

/**
 * By how much two rank sums must differ for their treatments to, after Friedman's test. Source: Conover, ibid., equation 5.8.6.
 * @param level of significance, two-sided.
 */
export const conoverDifference = ({ rankSums, squares }: Friedman, n: number, level: number): number => {
  const k = rankSums.length;
  const df = (n - 1) * (k - 1);
  const sums = rankSums.reduce((sum, rank) => sum + rank ** 2, 0);
  return studentQuantile(1 - level / 2, df) * Math.sqrt((2 * Math.max(0, n * squares - sums)) / df);
};

/**
 * Wilcoxon's signed rank test, two-sided: equal pairs are dropped, ties share ranks, normal approximation with the correction for
 * continuity. Source: Hollander and Wolfe, Nonparametric Statistical Methods, section 3.1.
 * @returns the smaller sum of ranks, and p.
 */
export const wilcoxon = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  const differences = Array.from(a, (value, i) => value - b[i]!).filter((difference) => difference !== 0);
  const n = differences.length;
  const { ranks, ties } = averageRanks(differences.map(Math.abs));
  const above = differences.reduce((sum, difference, i) => sum + (difference > 0 ? ranks[i]! : 0), 0);
  const statistic = Math.min(above, (n * (n + 1)) / 2 - above);
  const z = statistic - (n * (n + 1)) / 4;
  const sd = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24 - ties / 48);
  return { statistic, p: 2 * normalCdf((z - Math.sign(z) * 0.5) / sd) };
};

/**
 * The paired t test, two-sided. Differences that are all the same leave no doubt: p is 0, or 1 if there are none.
 * @returns t and p.
 */
export const pairedT = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  const n = a.length;
  const differences = Array.from(a, (value, i) => value - b[i]!);
  if (differences.every((difference) => difference === differences[0])) {
    const [first = 0] = differences;
    return { statistic: first === 0 ? 0 : Math.sign(first) * Infinity, p: first === 0 ? 1 : 0 };
  }
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / n;
  const squares = differences.reduce((sum, difference) => sum + (difference - mean) ** 2, 0);
  const statistic = mean / Math.sqrt(squares / (n - 1) / n);
  return { statistic, p: studentTwoTails(statistic, n - 1) };
};
