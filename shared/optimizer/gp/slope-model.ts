import { factorise, invertFactorised } from "../../numerics/cholesky.ts";
import type { Differentiable } from "../../numerics/lbfgs.ts";
import { choiceWeights, SQRT5, scaled, squaredDistance } from "./kernel.ts";
import { addPriors, type Data, marginal, type Priors, toShape } from "./model.ts";
import { decayAt, SLOPE_JITTER, SLOPE_VARIANCE, type Slopes } from "./slopes.ts";

/**
 * `negativeLogPosterior` of a process that is fitted to derivatives too, without warps. In the scaled features z a derivative
 * told by a feature is multiplied by its length scale l, so each adds -log l to the negative logarithm of the density.
 * Cost (n + slopes)^3.
 */
export const negativeLogPosteriorWithSlopes = (
  data: Data,
  slopes: Slopes,
  priors: Priors,
): Differentiable => {
  const { layout, n, features, targets, noise } = data;
  const { width, numeric } = layout;
  const { count, rows, axes, values } = slopes;
  const size = n + count;
  const l = new Float64Array(size * size);
  const inverse = new Float64Array(size * size);
  const scratch = new Float64Array(size * size);
  // Of each pair of rows a > b, at a * n + b.
  const first = new Float64Array(n * n);
  const second = new Float64Array(n * n);
  const steepness = new Float64Array(n * n);
  const byDistance = new Float64Array(n * n);
  const known = new Float64Array(size);
  const force = new Float64Array(n * numeric);
  const pairOf = (a: number, b: number) => (a > b ? a * n + b : b * n + a);
  return (theta, gradient) => {
    const shape = toShape(layout, theta);
    const eta = Math.exp(shape.logNoise);
    const points = scaled(layout, shape, features, n);
    const weights = choiceWeights(layout, shape);
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < a; b++) {
        const s = SQRT5 * Math.sqrt(squaredDistance(layout, weights, points, a * width, points, b * width));
        const decay = decayAt(s);
        l[a * size + b] = decay.value;
        first[a * n + b] = decay.first;
        second[a * n + b] = decay.second;
        steepness[a * n + b] = (5 * decay.second) / Math.max(s, 1e-12);
      }
      l[a * size + a] = 1 + eta * noise[a]! + 1e-10;
      known[a] = targets[a]!;
    }
    for (let k = 0; k < count; k++) {
      const [a, i] = [rows[k]!, axes[k]!];
      const line = (n + k) * size;
      const here = points[a * width + i]!;
      for (let b = 0; b < n; b++)
        l[line + b] = a === b ? 0 : first[pairOf(a, b)]! * (points[b * width + i]! - here);
      for (let m = 0; m < k; m++) {
        const [b, j] = [rows[m]!, axes[m]!];
        if (a === b) {
          l[line + n + m] = 0;
          continue;
        }
        const pair = pairOf(a, b);
        const along = (here - points[b * width + i]!) * (points[a * width + j]! - points[b * width + j]!);
        l[line + n + m] = (i === j ? first[pair]! : 0) - second[pair]! * along;
      }
      l[line + n + k] = SLOPE_VARIANCE + eta * noise[a]! + SLOPE_JITTER;
      known[n + k] = values[k]! * Math.exp(shape.logScale[i]!);
    }
    if (!factorise(l, size)) return Number.POSITIVE_INFINITY;
    const fitted = marginal(l, known, n);
    const { alpha, factor } = fitted;
    let { value } = fitted;

    invertFactorised(l, size, scratch, inverse);
    gradient.fill(0);
    force.fill(0);
    byDistance.fill(0);
    let trace = 0;
    for (let a = 0; a < n; a++) {
      trace += noise[a]! * (inverse[a * size + a]! - factor * alpha[a]! * alpha[a]!);
      for (let b = 0; b < a; b++) {
        const h = inverse[a * size + b]! - factor * alpha[a]! * alpha[b]!;
        byDistance[a * n + b] = -h * first[a * n + b]!;
      }
    }
    for (let k = 0; k < count; k++) {
      const [a, i] = [rows[k]!, axes[k]!];
      const line = (n + k) * size;
      trace += noise[a]! * (inverse[line + n + k]! - factor * alpha[n + k]! ** 2);
      gradient[i]! += factor * alpha[n + k]! * known[n + k]! - 1;
      value -= shape.logScale[i]!;
      for (let b = 0; b < n; b++) {
        if (a === b) continue;
        const pair = pairOf(a, b);
        const h = inverse[line + b]! - factor * alpha[n + k]! * alpha[b]!;
        byDistance[pair]! -= h * second[pair]! * (points[b * width + i]! - points[a * width + i]!);
        force[b * numeric + i]! += h * first[pair]!;
        force[a * numeric + i]! -= h * first[pair]!;
      }
      for (let m = 0; m < k; m++) {
        const [b, j] = [rows[m]!, axes[m]!];
        if (a === b) continue;
        const pair = pairOf(a, b);
        const h = inverse[line + n + m]! - factor * alpha[n + k]! * alpha[n + m]!;
        const u = points[a * width + i]! - points[b * width + i]!;
        const v = points[a * width + j]! - points[b * width + j]!;
        byDistance[pair]! += h * (steepness[pair]! * u * v - (i === j ? second[pair]! : 0));
        const [byU, byV] = [-h * second[pair]! * v, -h * second[pair]! * u];
        force[a * numeric + i]! += byU;
        force[b * numeric + i]! -= byU;
        force[a * numeric + j]! += byV;
        force[b * numeric + j]! -= byV;
      }
    }
    gradient[width] = (eta * trace) / 2;
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < a; b++) {
        const by = byDistance[a * n + b]!;
        for (let j = 0; j < numeric; j++) {
          const pull = by * (points[a * width + j]! - points[b * width + j]!);
          force[a * numeric + j]! += pull;
          force[b * numeric + j]! -= pull;
        }
        for (let j = numeric; j < width; j++)
          if (points[a * width + j] !== points[b * width + j]) gradient[j]! -= by * weights[j - numeric]!;
      }
    }
    for (let a = 0; a < n; a++)
      for (let j = 0; j < numeric; j++) gradient[j]! -= force[a * numeric + j]! * points[a * width + j]!;
    return value + addPriors(theta, width, priors, gradient);
  };
};
