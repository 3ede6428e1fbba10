import { bonferroni, holm } from "../../numerics/multiple-tests.ts";
import { averageRanks, conoverDifference, friedman, pairedT, wilcoxon } from "../../numerics/paired-tests.ts";

/** Which configurations are worse than the best, by results on the same instances. Source: race.R of the irace package. */

export const RACE_TESTS = ["friedman", "t-test", "t-test-holm", "t-test-bonferroni"] as const;
export type RaceTest = (typeof RACE_TESTS)[number];

/** Costs of k configurations on n instances, lower is better; Infinity where a run failed. */
export interface Block {
  readonly n: number;
  readonly k: number;
  /** By instances, within them by configurations. */
  readonly y: Float64Array;
}

/** What a test said. */
export interface Verdict {
  /** Of the test of all configurations; of the t test, of the best against the worst. */
  readonly p: number;
  /** Positions of the configurations that are significantly worse than the best. */
  readonly worse: readonly number[];
}

/** Columns of a matrix of costs. */
const columnOf = ({ n, k, y }: Block, j: number) => Float64Array.from({ length: n }, (_, i) => y[i * k + j]!);

/**
 * Costs in which a failed run is worse than every other one on its instance, by as much as those differ: means and differences stay
 * finite, and ranks are the same.
 */
const withFailures = ({ n, k, y }: Block): Block => {
  const finite = y.slice();
  for (let i = 0; i < n; i++) {
    const row = finite.subarray(i * k, (i + 1) * k);
    const known = row.filter(Number.isFinite);
    if (known.length === k) continue;
    const worst = known.reduce((a, b) => Math.max(a, b), -Infinity);
    const range = worst - known.reduce((a, b) => Math.min(a, b), Infinity);
    const bad = known.length === 0 ? 0 : worst + (range || Math.abs(worst) || 1);
    for (let j = 0; j < k; j++) if (!Number.isFinite(row[j])) row[j] = bad;
  }
  return { n, k, y: finite };
};

/**
 * Sums by which configurations are ordered, lower is better: of ranks, or of costs for the t test.
 */
export const scores = (block: Block, test: RaceTest): Float64Array => {
  const { n, k, y } = withFailures(block);
  const sums = new Float64Array(k);
  for (let i = 0; i < n; i++) {
    const row = y.subarray(i * k, (i + 1) * k);
    const ranks = test === "friedman" ? averageRanks(row).ranks : row;
    for (let j = 0; j < k; j++) sums[j]! += ranks[j]!;
  }
  return sums;
};

/** The position of the smallest number, the first of equals. */
export const least = (numbers: ArrayLike<number>): number => {
  let best = 0;
  for (let j = 1; j < numbers.length; j++) if (numbers[j]! < numbers[best]!) best = j;
  return best;
};

/**
 * Tests two or more configurations on two or more instances: Friedman's test, then Conover's critical difference from the best; of two
 * Wilcoxon's signed rank test; or a paired t test of each against the one with the best mean, corrected for their number if wanted.
 * @param level of significance.
 */
export const testBlock = (given: Block, test: RaceTest, level: number): Verdict => {
  const block = withFailures(given);
  if (test !== "friedman") return byMeans(block, CORRECTIONS[test], level);
  return block.k === 2 ? ofTwo(block, level) : byRanks(block, level);
};

const byRanks = (block: Block, level: number): Verdict => {
  const { n, k, y } = block;
  const result = friedman(y, n, k);
  if (!(result.p < level)) return { p: result.p, worse: [] };
  const { rankSums } = result;
  const limit = rankSums[least(rankSums)]! + conoverDifference(result, n, level);
  return { p: result.p, worse: [...rankSums.keys()].filter((j) => rankSums[j]! > limit) };
};

const ofTwo = (block: Block, level: number): Verdict => {
  const [a, b] = [columnOf(block, 0), columnOf(block, 1)];
  const { p } = wilcoxon(a, b);
  if (!(p < level)) return { p, worse: [] };
  const differences = a.map((value, i) => value - b[i]!).sort();
  const { length } = differences;
  const median = differences[(length - 1) >> 1]! + differences[length >> 1]!;
  return { p, worse: [median < 0 ? 1 : 0] };
};

/** Of the p-values of all configurations. As in irace that of the best, which is 1, counts in their number. */
const CORRECTIONS: Record<Exclude<RaceTest, "friedman">, (ps: readonly number[]) => readonly number[]> = {
  "t-test": (ps) => ps,
  "t-test-holm": holm,
  "t-test-bonferroni": bonferroni,
};

const byMeans = (
  block: Block,
  correct: (ps: readonly number[]) => readonly number[],
  level: number,
): Verdict => {
  const sums = scores(block, "t-test");
  const best = least(sums);
  const costs = columnOf(block, best);
  const ps = correct([...sums.keys()].map((j) => (j === best ? 1 : pairedT(columnOf(block, j), costs).p)));
  return { p: Math.min(...ps), worse: [...ps.keys()].filter((j) => ps[j]! < level) };
};
