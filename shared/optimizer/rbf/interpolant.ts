import { factoriseLu, solveLu } from "../../numerics/lu.ts";

/**
 * Interpolation by radial basis functions with a linear tail: s(x) = sum of w_i phi(|x - x_i|) + b x + a.
 * Source: Gutmann 2001; Costa and Nannicini 2018, "RBFOpt", section 2.
 */

export type Basis = "cubic" | "thin-plate" | "linear" | "multiquadric";
export const BASES: readonly Basis[] = ["cubic", "thin-plate", "multiquadric", "linear"];

/** Of a multiquadric, the distance at which it changes from quadratic to linear. */
const BEND = 0.1;

const phi = (basis: Basis, squared: number): number => {
  if (basis === "linear") return Math.sqrt(squared);
  if (basis === "multiquadric") return Math.sqrt(squared + BEND * BEND);
  if (basis === "cubic") return squared * Math.sqrt(squared);
  return squared > 0 ? (squared * Math.log(squared)) / 2 : 0;
};

export interface Interpolant {
  readonly at: (x: Float64Array, offset: number) => number;
}

/** Nodes by rows of `width` numbers. */
export interface Nodes {
  readonly n: number;
  readonly width: number;
  /**
   * How many of a row's numbers are coordinates, all by default. The others are codes of choices, -1 where inactive: two that
   * differ are 1 apart, and they have no slope.
   */
  readonly plain?: number;
  readonly x: Float64Array;
  readonly y: Float64Array;
}

export const squaredDistance = (
  a: Float64Array,
  i: number,
  b: Float64Array,
  j: number,
  { width, plain = width }: Pick<Nodes, "width" | "plain">,
): number => {
  let sum = 0;
  for (let k = 0; k < plain; k++) sum += (a[i + k]! - b[j + k]!) ** 2;
  for (let k = plain; k < width; k++) {
    const [c, d] = [a[i + k]!, b[j + k]!];
    if (c !== d) sum += c < 0 || d < 0 ? 0.5 : 1;
  }
  return sum;
};

/** The system's matrix: kernel, linear tail, and a very small ridge for directions in which the nodes do not differ. */
const systemOf = (nodes: Nodes, basis: Basis): Float64Array => {
  const { n, width, plain = width, x } = nodes;
  const size = n + plain + 1;
  const a = new Float64Array(size * size);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const value = phi(basis, squaredDistance(x, i * width, x, j * width, nodes));
      a[i * size + j] = value;
      a[j * size + i] = value;
    }
    a[i * size + i] = phi(basis, 0);
    for (let k = 0; k < plain; k++) {
      a[i * size + n + k] = x[i * width + k]!;
      a[(n + k) * size + i] = x[i * width + k]!;
    }
    a[i * size + n + plain] = 1;
    a[(n + plain) * size + i] = 1;
  }
  // A direction in which the nodes do not differ has no slope: let it be zero.
  for (let k = 0; k < plain; k++) a[(n + k) * size + n + k] = -1e-8;
  return a;
};

/** @returns null when the nodes do not determine one. */
export const interpolate = (nodes: Nodes, basis: Basis): Interpolant | null => {
  const { n, width, plain = width, x, y } = nodes;
  const size = n + plain + 1;
  const factors = factoriseLu(systemOf(nodes, basis), size);
  if (factors === null) return null;
  const right = new Float64Array(size);
  right.set(y);
  const weights = solveLu(factors, right);
  return {
    at: (point, offset) => {
      let sum = weights[n + plain]!;
      for (let k = 0; k < plain; k++) sum += weights[n + k]! * point[offset + k]!;
      for (let i = 0; i < n; i++) {
        sum += weights[i]! * phi(basis, squaredDistance(point, offset, x, i * width, nodes));
      }
      return sum;
    },
  };
};

/**
 * How badly a basis predicts each node from the others, in ranks: the sum over nodes of how far the prediction would move
 * the node in the order of values. From one inverse (Rippa 1999): the error at node i is w_i / (A^-1)_ii.
 */
export const rankDisplacement = (nodes: Nodes, basis: Basis): number => {
  const { n, width, plain = width, y } = nodes;
  const size = n + plain + 1;
  const factors = factoriseLu(systemOf(nodes, basis), size);
  if (factors === null) return Infinity;
  const right = new Float64Array(size);
  right.set(y);
  const weights = solveLu(factors, right);
  const sorted = Float64Array.from(y).sort();
  const rank = (value: number) => sorted.reduce((sum, v) => sum + (v < value ? 1 : v === value ? 0.5 : 0), 0);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const unit = new Float64Array(size);
    unit[i] = 1;
    const error = weights[i]! / solveLu(factors, unit)[i]!;
    sum += Math.abs(rank(y[i]! - error) - rank(y[i]!));
  }
  return sum;
};
