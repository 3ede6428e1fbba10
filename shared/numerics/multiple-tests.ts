/**
 * p-values of several tests, corrected so that with the chance `level` at most any of them is below it where nothing differs. Source:
 * Holm 1979, "A simple sequentially rejective multiple test procedure"; the same as `p.adjust` of R.
 */

/** Each times their number. */
export const bonferroni = (ps: readonly number[]): number[] => ps.map((p) => Math.min(1, ps.length * p));

/** The smallest times their number, the next one times one less and so on, none less than the one before. */
export const holm = (ps: readonly number[]): number[] => {
  const adjusted = [...ps];
  let most = 0;
  const ascending = [...ps.keys()].sort((a, b) => ps[a]! - ps[b]!);
  for (const [i, j] of ascending.entries()) {
    most = Math.max(most, Math.min(1, (ps.length - i) * ps[j]!));
    adjusted[j] = most;
  }
  return adjusted;
};
