import { type Bounds, minimise, product } from "./lbfgs.ts";

/** A step and by how much it changed the gradient. */
export interface Change {
  readonly s: Float64Array;
  readonly y: Float64Array;
}

/** A change says something of the curvature when its cosine with its step is above this. */
const POSITIVE = 1e-6;
const EVALUATIONS = 120;
const TOLERANCE = 1e-10;

/** A symmetric positive matrix: a diagonal and a few outer products. */
interface Model {
  readonly diagonal: Float64Array;
  readonly terms: readonly { readonly v: Float64Array; readonly weight: number }[];
}

const times = ({ diagonal, terms }: Model, x: Float64Array): Float64Array => {
  const result = x.map((u, i) => u * diagonal[i]!);
  for (const { v, weight } of terms) {
    const part = weight * product(v, x);
    for (let i = 0; i < result.length; i++) result[i]! += part * v[i]!;
  }
  return result;
};

/**
 * The curvature that changes of a gradient tell of, the last ones most: BFGS from a diagonal matrix on, without the changes that would
 * make it negative. O(k^2 * d) for k changes.
 */
const modelOf = (diagonal: Float64Array, changes: readonly Change[]): Model => {
  let model: Model = { diagonal, terms: [] };
  for (const { s, y } of changes) {
    const seen = product(s, y);
    if (!(seen > POSITIVE * Math.sqrt(product(s, s) * product(y, y)))) continue;
    const expected = times(model, s);
    const terms = [
      { v: expected, weight: -1 / product(s, expected) },
      { v: y, weight: 1 / seen },
    ];
    model = { diagonal, terms: [...model.terms, ...terms] };
  }
  return model;
};

/**
 * The step within bounds that comes down furthest where the gradient is known, and its curvature from earlier changes.
 * @param diagonal the curvature along each coordinate, positive, of which the changes say nothing else.
 * @param bounds of the step: 0 lies within them.
 */
export const quasiNewtonStep = (
  gradient: Float64Array,
  diagonal: Float64Array,
  changes: readonly Change[],
  bounds: Bounds,
): Float64Array => {
  const model = modelOf(diagonal, changes);
  // In units in which the diagonal is 1, and the gradient too: what is left is a bowl with a few odd axes.
  const size = Math.sqrt(gradient.reduce((sum, g, i) => sum + g ** 2 / diagonal[i]!, 0));
  if (!(size > 0)) return new Float64Array(gradient.length);
  const unit = diagonal.map((u) => size / Math.sqrt(u));
  const inUnits = (x: Float64Array) => x.map((u, i) => u / unit[i]!);
  const decrease = (z: Float64Array, slopes: Float64Array): number => {
    const step = z.map((u, i) => u * unit[i]!);
    const curved = times(model, step);
    for (let i = 0; i < slopes.length; i++) slopes[i] = ((gradient[i]! + curved[i]!) * unit[i]!) / size ** 2;
    return (product(gradient, step) + product(step, curved) / 2) / size ** 2;
  };
  const within = { lower: inUnits(bounds.lower), upper: inUnits(bounds.upper) };
  const { x } = minimise(decrease, new Float64Array(gradient.length), within, EVALUATIONS, TOLERANCE);
  return x.map((u, i) => u * unit[i]!);
};
