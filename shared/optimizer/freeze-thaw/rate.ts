import { logImprovement } from "../gp/expected-improvement.ts";

/**
 * What the best way to go on with a curve gains per unit of resource. After each segment the curve may be left, so a promising
 * beginning is worth more than a run to the end would be: most curves are left early, at little cost.
 *
 * The largest rate of expected gain to expected cost over all rules to stop is the Gittins index of the curve (Gittins 1979); for
 * independent curves going on with the one of the highest index is optimal. What is known of the end, its predicted value, changes
 * with each segment by a normal step of known variance, so the index follows from a recursion on one number.
 */
export interface Curve {
  /** The predicted value at the end; lower is better. */
  readonly mean: number;
  /** The standard deviation by which each segment's result will change the prediction; length of the segments that are left. */
  readonly steps: Float64Array;
  /** What each segment costs. */
  readonly costs: Float64Array;
}

/** Points of the grid of predictions, and how many standard deviations it reaches to each side. */
const GRID = 33;
const REACH = 4.5;
/** Gauss and Hermite's nodes and weights for a standard normal. */
const NODES = [
  -3.3242574335521, -1.8891758777537, -0.6167065901925, 0.6167065901925, 1.8891758777537, 3.3242574335521,
];
const WEIGHTS = [
  0.0025557844020562, 0.0886157460419145, 0.4088284695560293, 0.4088284695560293, 0.0886157460419145,
  0.0025557844020562,
];
const HALVINGS = 12;

/** Expected improvement on the best, of a value with a normal distribution. */
export const improvement = (best: number, mean: number, sd: number): number =>
  sd > 1e-12 ? sd * Math.exp(logImprovement((best - mean) / sd)) : Math.max(0, best - mean);

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

/** The highest expected gain per unit of cost. @param best the least value so far. */
export const rateOf = (best: number, curve: Curve): number => {
  const gain = improvement(best, curve.mean, Math.hypot(...curve.steps));
  if (!(gain > 0)) return 0;
  // To the end in any case; or all of the gain for the first segment's cost.
  let low = Math.log(gain / total(curve.costs));
  let high = Math.log(gain / curve.costs[0]!);
  for (let i = 0; i < HALVINGS && high - low > 1e-2; i++) {
    const middle = (low + high) / 2;
    if (surplus(best, curve, Math.exp(middle)) > 0) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
};

/** Expected gain less cost at a price of a unit of resource, when the next segment is run and the curve left as soon as it should be. */
const surplus = (best: number, { mean, steps, costs }: Curve, price: number): number => {
  const m = steps.length;
  const spread = Math.hypot(...steps);
  const from = mean - REACH * spread;
  const width = (2 * REACH * spread) / (GRID - 1);
  /** Of going on before segment k, at each point of the grid. */
  let later: Float64Array | null = null;
  const valueAt = (k: number, at: number): number => {
    const cost = price * costs[k]!;
    if (later === null) return improvement(best, at, steps[k]!) - cost;
    let sum = 0;
    for (let j = 0; j < NODES.length; j++) {
      const place = (at + steps[k]! * NODES[j]! - from) / width;
      const left = Math.min(GRID - 2, Math.max(0, Math.floor(place)));
      const share = Math.min(1, Math.max(0, place - left));
      sum += WEIGHTS[j]! * ((1 - share) * later[left]! + share * later[left + 1]!);
    }
    return sum - cost;
  };
  for (let k = m - 1; k > 0; k--) {
    const values = new Float64Array(GRID);
    for (let i = 0; i < GRID; i++) values[i] = Math.max(0, valueAt(k, from + i * width));
    later = values;
  }
  return valueAt(0, mean);
};
