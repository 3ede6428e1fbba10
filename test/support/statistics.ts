/**
 * The probability that a sample differs this much or more from the distribution it is drawn from (Kolmogorov-Smirnov,
 * asymptotic): below 0.01 it hardly is.
 * @param cdf of a continuous distribution.
 */
export const kolmogorovSmirnov = (sample: readonly number[], cdf: (x: number) => number): number => {
  const sorted = [...sample].sort((a, b) => a - b);
  const n = sorted.length;
  let distance = 0;
  for (const [i, x] of sorted.entries()) {
    const p = cdf(x);
    distance = Math.max(distance, p - i / n, (i + 1) / n - p);
  }
  const root = Math.sqrt(n);
  const t = (root + 0.12 + 0.11 / root) * distance;
  let sum = 0;
  for (let k = 1; k <= 100; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * t * t);
  return Math.min(1, Math.max(0, sum));
};

/** Pearson's chi-square of counts against probabilities, and its degrees of freedom. */
export const chiSquare = (counts: readonly number[], probabilities: readonly number[]) => {
  const n = counts.reduce((sum, count) => sum + count, 0);
  const value = counts.reduce((sum, count, i) => {
    const expected = n * probabilities[i]!;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
  return { value, degrees: counts.length - 1 };
};
