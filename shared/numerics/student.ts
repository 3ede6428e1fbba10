import { betaCdf } from "./beta.ts";

/** Student's t distribution. Source: Abramowitz and Stegun 26.7.1, by the incomplete beta function. */

/** P(|T| > |t|) with so many degrees of freedom, which need not be whole. */
export const studentTwoTails = (t: number, df: number): number => betaCdf(df / (df + t * t), df / 2, 0.5);

/** The t with P(T <= t) = q, by bisection; -Infinity and Infinity at 0 and 1. */
export const studentQuantile = (q: number, df: number): number => {
  if (q <= 0 || q >= 1) return q <= 0 ? -Infinity : Infinity;
  if (q < 0.5) return -studentQuantile(1 - q, df);
  const tails = 2 * (1 - q);
  let [low, high] = [0, 1];
  while (studentTwoTails(high, df) > tails) [low, high] = [high, 2 * high];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (studentTwoTails(middle, df) > tails) low = middle;
    else high = middle;
  }
};
