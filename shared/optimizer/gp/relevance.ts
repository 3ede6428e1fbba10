import type { Data } from "./model.ts";

/** Groups into which a number's values are cut. */
const GROUPS = 4;

/**
 * How much of the targets each feature explains on its own: the F statistic of an analysis of variance between groups of
 * similar values (quarters of a number's values by rank, the values of a choice).
 * @returns one number per feature; larger matters more.
 */
export const relevance = ({ layout, n, features, targets }: Data): Float64Array => {
  const { width, numeric } = layout;
  const mean = targets.reduce((sum, y) => sum + y, 0) / n;
  const total = targets.reduce((sum, y) => sum + (y - mean) ** 2, 0);
  return Float64Array.from({ length: width }, (_, j) => {
    const groups = j < numeric ? byRank(features, width, j, n) : byValue(features, width, j, n);
    const counts = new Map<number, { count: number; sum: number }>();
    for (let i = 0; i < n; i++) {
      const group = counts.get(groups[i]!) ?? { count: 0, sum: 0 };
      group.count++;
      group.sum += targets[i]!;
      counts.set(groups[i]!, group);
    }
    let between = 0;
    for (const { count, sum } of counts.values()) between += count * (sum / count - mean) ** 2;
    const k = counts.size;
    if (k < 2 || n <= k) return 0;
    return between / (k - 1) / (Math.max(1e-9, total - between) / (n - k));
  });
};

const byRank = (features: Float64Array, width: number, j: number, n: number): Float64Array => {
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (a, b) => features[a * width + j]! - features[b * width + j]!,
  );
  const groups = new Float64Array(n);
  for (const [rank, i] of order.entries()) {
    const before = rank > 0 ? order[rank - 1]! : -1;
    const isTie = before >= 0 && features[before * width + j] === features[i * width + j];
    groups[i] = isTie ? groups[before]! : Math.floor((rank * GROUPS) / n);
  }
  return groups;
};

const byValue = (features: Float64Array, width: number, j: number, n: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => features[i * width + j]!);

/**
 * How clearly the targets fall towards an end of each number's axis: the t statistic of a regression on that number alone,
 * positive when they are lower, so better, at its high end.
 * @returns one number per numeric feature.
 */
export const trends = ({ layout, n, features, targets }: Data): Float64Array => {
  const { width, numeric } = layout;
  const mean = targets.reduce((sum, y) => sum + y, 0) / n;
  const spread = targets.reduce((sum, y) => sum + (y - mean) ** 2, 0);
  return Float64Array.from({ length: numeric }, (_, j) => {
    let middle = 0;
    for (let i = 0; i < n; i++) middle += features[i * width + j]! / n;
    let own = 0;
    let common = 0;
    for (let i = 0; i < n; i++) {
      const u = features[i * width + j]! - middle;
      own += u * u;
      common += u * (targets[i]! - mean);
    }
    if (n < 3 || !(own > 1e-12 * n && spread > 0)) return 0;
    const explained = Math.min(1 - 1e-9, (common * common) / (own * spread));
    return -Math.sign(common) * Math.sqrt((explained * (n - 2)) / (1 - explained));
  });
};
