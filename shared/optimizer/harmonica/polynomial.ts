import { lasso } from "../../numerics/lasso.ts";

/** A product of bits and its coefficient. */
export interface Monomial {
  readonly bits: readonly number[];
  readonly coefficient: number;
}

/** The LASSO gets only the monomials that correlate most with the residuals. */
const SCREENED = 400;
/** The penalty, as a part of the residuals' standard deviation. The reference has 3, with a deviation of about 22. */
const PENALTY = 0.13;
/** At most so many variables are tried in all combinations; further ones, of the smaller monomials, stay free. */
const MOST_VARIABLES = 16;

export const evaluate = (monomials: readonly Monomial[], x: ArrayLike<number>): number =>
  monomials.reduce(
    (sum, { bits, coefficient }) => sum + coefficient * bits.reduce((p, b) => p * x[b]!, 1),
    0,
  );

interface Search {
  /** Bits that still vary. */
  readonly free: readonly number[];
  /** Bits of a product at most. */
  readonly degree: number;
  /** Monomials at most. */
  readonly keep: number;
  readonly isLate: () => boolean;
}

/**
 * The monomials that explain values best: LASSO over all products of up to `degree` free bits.
 * Source: Hazan, Klivans and Yuan 2018, "Hyperparameter optimization: a spectral approach", algorithm 2.
 * @param samples bits of -1 and 1, one row per value.
 * @returns at most `keep`, the largest coefficient first; null when time was up before all products were evaluated.
 */
export const sparsePolynomial = (
  samples: readonly Int8Array[],
  values: Float64Array,
  { free, degree, keep, isLate }: Search,
): Monomial[] | null => {
  const n = samples.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const residuals = values.map((v) => v - mean);
  const sd = Math.sqrt(residuals.reduce((sum, v) => sum + v * v, 0) / n);
  if (!(sd > 0)) return [];
  const columns = free.map((b) => Int8Array.from(samples, (row) => row[b]!));
  const best: { positions: readonly number[]; pull: number }[] = [];
  let least = 0;
  const consider = (positions: readonly number[], signed: number): void => {
    const pull = Math.abs(signed);
    if (best.length >= 2 * SCREENED) {
      best.sort((a, b) => b.pull - a.pull);
      best.length = SCREENED;
      least = best[SCREENED - 1]!.pull;
    }
    if (pull > least) best.push({ positions, pull });
  };
  // Products of one more bit each, computed from the residuals times the bits so far: no product needs its own column.
  const extend = (positions: readonly number[], weighted: Float64Array): boolean => {
    for (let k = (positions.at(-1) ?? -1) + 1; k < free.length; k++) {
      const other = columns[k]!;
      let pull = 0;
      for (let i = 0; i < n; i++) pull += weighted[i]! * other[i]!;
      const longer = [...positions, k];
      consider(longer, pull);
      if (longer.length === degree) continue;
      if (isLate()) return false;
      const next = weighted.map((v, i) => v * other[i]!);
      if (!extend(longer, next)) return false;
    }
    return true;
  };
  if (!extend([], residuals)) return null;
  best.sort((a, b) => b.pull - a.pull || (a.positions.join() < b.positions.join() ? -1 : 1));
  const screened = best.slice(0, SCREENED);
  const features = screened.map(({ positions }) =>
    Float64Array.from({ length: n }, (_, i) => positions.reduce((p, k) => p * columns[k]![i]!, 1)),
  );
  const { coefficients } = lasso(features, values, PENALTY * sd);
  return screened
    .map(({ positions }, j) => ({ bits: positions.map((k) => free[k]!), coefficient: coefficients[j]! }))
    .filter(({ coefficient }) => coefficient !== 0)
    .sort((a, b) => Math.abs(b.coefficient) - Math.abs(a.coefficient))
    .slice(0, keep);
};

/** The assignment of the polynomial's bits that makes it least. */
export const minimiser = (monomials: readonly Monomial[]): Map<number, number> => {
  const variables = new Set<number>();
  for (const { bits } of monomials) {
    if (new Set([...variables, ...bits]).size <= MOST_VARIABLES) for (const b of bits) variables.add(b);
  }
  const names = [...variables];
  const covered = monomials.filter(({ bits }) => bits.every((b) => variables.has(b)));
  const x: number[] = [];
  let best: number[] = [];
  let least = Infinity;
  for (let word = 0; word < 2 ** names.length; word++) {
    for (const [k, b] of names.entries()) x[b] = (word >> k) & 1 ? 1 : -1;
    const value = evaluate(covered, x);
    if (value < least) {
      least = value;
      best = names.map((b) => x[b]!);
    }
  }
  return new Map(names.map((b, k) => [b, best[k]!]));
};
