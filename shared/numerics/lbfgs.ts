/**
 * Minimises a smooth function within bounds: L-BFGS (Nocedal and Wright, algorithm 7.4) on the coordinates that are not
 * at an active bound, each step projected onto the bounds and shortened until it satisfies Armijo's condition.
 */

/** Writes the gradient at x into `gradient` and returns the value; a value that is not finite refuses the point. */
export type Differentiable = (x: Float64Array, gradient: Float64Array) => number;

export interface Bounds {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

export interface Minimum {
  readonly x: Float64Array;
  readonly value: number;
  readonly evaluations: number;
}

const MEMORY = 8;
/** Armijo's constant: the share of the linear decrease that a step must reach. */
const SUFFICIENT = 1e-4;
const HALVINGS = 12;

/**
 * @param start is projected onto the bounds; the array is not changed.
 * @param most evaluations of f at most.
 * @param tolerance ends the search when an accepted step gains less than this, relative to 1 + |value|.
 * @returns the best point seen; its value is Infinity when f refused the start.
 */
export const minimise = (
  f: Differentiable,
  start: Float64Array,
  { lower, upper }: Bounds,
  most: number,
  tolerance = 1e-6,
): Minimum => {
  const d = start.length;
  const clip = (x: Float64Array) => {
    for (let i = 0; i < d; i++) x[i] = Math.min(upper[i]!, Math.max(lower[i]!, x[i]!));
    return x;
  };
  let x: Float64Array = clip(Float64Array.from(start));
  let gradient: Float64Array = new Float64Array(d);
  let value = f(x, gradient);
  let evaluations = 1;
  if (!Number.isFinite(value)) return { x, value: Infinity, evaluations };
  let pairs: Pair[] = [];
  while (evaluations < most) {
    const free = freeCoordinates(x, gradient, lower, upper);
    let direction = descend(gradient, pairs, free);
    let slope = product(direction, gradient);
    if (!(slope < 0)) {
      pairs = [];
      direction = descend(gradient, pairs, free);
      slope = product(direction, gradient);
      if (!(slope < -1e-14)) break;
    }
    // Without curvature the length of the gradient does not determine the step: begin with a small one.
    let length = pairs.length === 0 ? Math.min(1, 0.5 / Math.sqrt(-slope)) : 1;
    let moved: { x: Float64Array; gradient: Float64Array; value: number } | null = null;
    for (let halving = 0; halving < HALVINGS && evaluations < most; halving++) {
      const next = clip(x.map((u, i) => u + length * direction[i]!));
      let promised = 0;
      for (let i = 0; i < d; i++) promised += gradient[i]! * (next[i]! - x[i]!);
      const nextGradient = new Float64Array(d);
      const nextValue = f(next, nextGradient);
      evaluations++;
      if (nextValue <= value + SUFFICIENT * promised && promised < 0) {
        moved = { x: next, gradient: nextGradient, value: nextValue };
        break;
      }
      // The minimum of the parabola through what is known, kept within sensible bounds.
      const curvature = Number.isFinite(nextValue) ? 2 * (nextValue - value - promised) : Infinity;
      const ratio = curvature > 0 ? -promised / curvature : 0.5;
      length *= Math.min(0.5, Math.max(0.1, ratio));
    }
    if (moved === null) {
      if (pairs.length === 0) break;
      pairs = [];
      continue;
    }
    pairs = remember(pairs, x, gradient, moved.x, moved.gradient);
    const gain = value - moved.value;
    ({ x, gradient, value } = moved);
    if (gain < tolerance * (1 + Math.abs(value))) break;
  }
  return { x, value, evaluations };
};

/** A step and what it did to the gradient. */
interface Pair {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly rho: number;
}

/** The dot product. */
export const product = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};

/** 1 where a coordinate may move, 0 where its bound holds it. */
const freeCoordinates = (
  x: Float64Array,
  gradient: Float64Array,
  lower: Float64Array,
  upper: Float64Array,
): Uint8Array =>
  Uint8Array.from(x, (u, i) =>
    (u <= lower[i]! && gradient[i]! > 0) || (u >= upper[i]! && gradient[i]! < 0) ? 0 : 1,
  );

/** The quasi-Newton direction: the two-loop recursion on the free coordinates. */
const descend = (gradient: Float64Array, pairs: readonly Pair[], free: Uint8Array): Float64Array => {
  const q = gradient.map((g, i) => (free[i] ? -g : 0));
  const factors: number[] = [];
  for (let k = pairs.length - 1; k >= 0; k--) {
    const { s, y, rho } = pairs[k]!;
    const factor = rho * product(s, q);
    factors[k] = factor;
    for (let i = 0; i < q.length; i++) q[i]! -= factor * y[i]!;
  }
  const last = pairs.at(-1);
  if (last !== undefined) {
    const scale = 1 / (last.rho * product(last.y, last.y));
    for (let i = 0; i < q.length; i++) q[i]! *= scale;
  }
  for (const [k, { s, y, rho }] of pairs.entries()) {
    const factor = factors[k]! - rho * product(y, q);
    for (let i = 0; i < q.length; i++) q[i]! += factor * s[i]!;
  }
  for (let i = 0; i < q.length; i++) if (!free[i]) q[i] = 0;
  return q;
};

/** Adds a pair if its curvature is positive, so that the direction stays one of descent. */
const remember = (
  pairs: readonly Pair[],
  x: Float64Array,
  gradient: Float64Array,
  nextX: Float64Array,
  nextGradient: Float64Array,
): Pair[] => {
  const s = nextX.map((u, i) => u - x[i]!);
  const y = nextGradient.map((g, i) => g - gradient[i]!);
  const curvature = product(s, y);
  if (!(curvature > 1e-12 * Math.sqrt(product(s, s) * product(y, y)))) return [...pairs];
  return [...pairs.slice(-(MEMORY - 1)), { s, y, rho: 1 / curvature }];
};
