import { expect, test } from "vitest";
import { type Change, quasiNewtonStep } from "../../../shared/numerics/bfgs.ts";

const within = (reach: number, d: number) => ({
  lower: new Float64Array(d).fill(-reach),
  upper: new Float64Array(d).fill(reach),
});

const expectClose = (actual: Float64Array, expected: readonly number[]) => {
  expect(actual).toHaveLength(expected.length);
  for (const [i, u] of expected.entries()) expect(actual[i]).toBeCloseTo(u, 4);
};

test("without changes the step is the gradient over the diagonal, up to the bounds", () => {
  const step = quasiNewtonStep(Float64Array.of(2, -3, 0), Float64Array.of(4, 1, 1), [], within(1, 3));
  expectClose(step, [-0.5, 1, 0]);
});

test("a change that was seen is taken back by its step", () => {
  const changes: Change[] = [
    { s: Float64Array.of(0.1, 0.2), y: Float64Array.of(1, 0.1) },
    { s: Float64Array.of(-0.2, 0.1), y: Float64Array.of(-3, 2) },
  ];
  const step = quasiNewtonStep(changes[1]!.y, Float64Array.of(5, 5), changes, within(10, 2));
  expectClose(step, [0.2, -0.1]);
});

test("where a bound holds one coordinate the others go to where the model is least beside it", () => {
  // The change makes of the identity ((2, 1), (1, 2)): along (1, 1) there is a curvature of 3.
  const change = { s: Float64Array.of(1, 1), y: Float64Array.of(3, 3) };
  const bounds = { lower: Float64Array.of(-0.5, -9), upper: Float64Array.of(0.5, 9) };
  const step = quasiNewtonStep(Float64Array.of(-9, 0), Float64Array.of(1, 1), [change], bounds);
  expectClose(step, [0.5, -0.25]);
});

test("a change with a negative curvature is left out", () => {
  const change = { s: Float64Array.of(1, 0.5), y: Float64Array.of(-7, 1) };
  const step = quasiNewtonStep(Float64Array.of(1, -2), Float64Array.of(2, 2), [change], within(9, 2));
  expectClose(step, [-0.5, 1]);
});

test("scales that differ by ten orders of magnitude are no obstacle", () => {
  const gradient = Float64Array.of(1e-6, 1e4);
  const step = quasiNewtonStep(gradient, Float64Array.of(1e-5, 1e5), [], within(1, 2));
  expectClose(step, [-0.1, -0.1]);
});

test("where nothing leads down nothing moves", () => {
  expectClose(quasiNewtonStep(new Float64Array(2), Float64Array.of(1, 1), [], within(1, 2)), [0, 0]);
});
