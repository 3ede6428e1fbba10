/**
 * A learned transformation of a numeric feature: Kumaraswamy's distribution function w(x) = 1 - (1 - x^a)^b. With it, a
 * wrong `scale` of a parameter does little harm. Source: Snoek et al. 2014, "Input warping for Bayesian optimization".
 */

/** Keeps the logarithms finite. */
const EDGE = 1e-6;
const inside = (x: number): number => Math.min(1 - EDGE, Math.max(EDGE, x));

/** w(x). */
export const normalise = (x: number, a: number, b: number): number => 1 - (1 - inside(x) ** a) ** b;

/** dw / dx. */
export const slope = (x: number, a: number, b: number): number => {
  const u = inside(x);
  return a * b * u ** (a - 1) * (1 - u ** a) ** (b - 1);
};

/** dw / d ln a. */
export const byLogA = (x: number, a: number, b: number): number => {
  const u = inside(x);
  const power = u ** a;
  return a * b * (1 - power) ** (b - 1) * power * Math.log(u);
};

/** dw / d ln b. */
export const byLogB = (x: number, a: number, b: number): number => {
  const rest = 1 - inside(x) ** a;
  return -b * rest ** b * Math.log(rest);
};
