import { expect, test } from "vitest";
import { type Differentiable, minimise } from "../../../shared/numerics/lbfgs.ts";

const everywhere = (d: number) => ({
  lower: new Float64Array(d).fill(-1e3),
  upper: new Float64Array(d).fill(1e3),
});

const rosenbrock: Differentiable = (x, gradient) => {
  const [a = 0, b = 0] = x;
  gradient[0] = -400 * a * (b - a * a) - 2 * (1 - a);
  gradient[1] = 200 * (b - a * a);
  return 100 * (b - a * a) ** 2 + (1 - a) ** 2;
};

test("finds Rosenbrock's minimum, and leaves the start alone", () => {
  const start = Float64Array.of(-1.2, 1);
  const { x, value, evaluations } = minimise(rosenbrock, start, everywhere(2), 200, 1e-12);
  expect(value).toBeLessThan(1e-9);
  expect(x[0]).toBeCloseTo(1, 4);
  expect(x[1]).toBeCloseTo(1, 4);
  expect(evaluations).toBeLessThan(100);
  expect([...start]).toEqual([-1.2, 1]);
});

test("stops at bounds where they hold it, and slides along them", () => {
  const bounds = { lower: Float64Array.of(-2, -2), upper: Float64Array.of(0.5, 2) };
  const { x } = minimise(rosenbrock, Float64Array.of(-1.2, 1), bounds, 200, 1e-12);
  expect(x[0]).toBeCloseTo(0.5, 6);
  expect(x[1]).toBeCloseTo(0.25, 4);
});

test("a badly scaled bowl of twenty coordinates takes some dozens of evaluations", () => {
  const bowl: Differentiable = (x, gradient) => {
    let sum = 0;
    for (let i = 0; i < x.length; i++) {
      const weight = 10 ** (i / 8);
      sum += (weight * (x[i]! - 1) ** 2) / 2;
      gradient[i] = weight * (x[i]! - 1);
    }
    return sum;
  };
  const { value } = minimise(bowl, new Float64Array(20), everywhere(20), 150, 1e-14);
  expect(value).toBeLessThan(1e-6);
});

test("values that are not finite turn it back; a refused start is said to be infinite", () => {
  const wall: Differentiable = (x, gradient) => {
    gradient[0] = 2 * (x[0]! - 3);
    return x[0]! > 2 ? Number.NaN : (x[0]! - 3) ** 2;
  };
  const { x, value } = minimise(wall, Float64Array.of(0), everywhere(1), 60);
  expect(Number.isFinite(value)).toBe(true);
  expect(x[0]).toBeGreaterThan(1);
  expect(minimise(wall, Float64Array.of(5), everywhere(1), 60).value).toBe(Infinity);
});
