import { expect, test } from "vitest";
import {
  factorise,
  invertFactorised,
  logDeterminant,
  solveFactorised,
  solveLower,
  solveLowerRows,
} from "../../../shared/numerics/cholesky.ts";
import { eigenSymmetric } from "../../../shared/numerics/eigen.ts";
import { lasso } from "../../../shared/numerics/lasso.ts";
import { factoriseLu, solveLu } from "../../../shared/numerics/lu.ts";
import { createRandom } from "../../../shared/numerics/random.ts";
import golden from "../../fixtures/numerics/models.fixture.json" with { type: "json" };

const { n } = golden;

const expectClose = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) => {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    expect(Math.abs(actual[i]! - expected[i]!)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(expected[i]!)));
  }
};

const lowerOf = (matrix: ArrayLike<number>, size: number) =>
  Float64Array.from(matrix, (v, k) => (k % size <= Math.floor(k / size) ? v : 0));

test("Cholesky's factor, determinant, solution and inverse agree with NumPy's", () => {
  const l = Float64Array.from(golden.definite);
  expect(factorise(l, n)).toBe(true);
  expectClose(lowerOf(l, n), golden.cholesky, 1e-12);
  expect(logDeterminant(l, n)).toBeCloseTo(golden.logDeterminant, 10);
  const inverse = new Float64Array(n * n);
  invertFactorised(l, n, new Float64Array(n * n).fill(Number.NaN), inverse);
  expectClose(inverse, golden.inverse, 1e-8);
  const x = Float64Array.from(golden.right);
  solveFactorised(l, n, x);
  for (let i = 0; i < n; i++) {
    const back = x.reduce((sum, v, j) => sum + golden.definite[i * n + j]! * v, 0);
    expect(back).toBeCloseTo(golden.right[i]!, 8);
  }
});

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 17])(
  "a matrix of %i rows, in longer rows, comes back from its factor",
  (size) => {
    const random = createRandom(size);
    const stride = size + 3;
    const root = Float64Array.from({ length: size * size }, () => random.normal());
    const a = new Float64Array(size * stride);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = i === j ? 0.5 : 0;
        for (let k = 0; k < size; k++) sum += root[i * size + k]! * root[j * size + k]!;
        a[i * stride + j] = sum;
      }
    }
    const l = Float64Array.from(a);
    expect(factorise(l, size, stride)).toBe(true);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let k = 0; k <= j; k++) sum += l[i * stride + k]! * l[j * stride + k]!;
        expect(sum).toBeCloseTo(a[i * stride + j]!, 9);
      }
    }
    const rows = Float64Array.from({ length: 7 * (size + 1) }, () => random.normal());
    const one = Float64Array.from(rows);
    solveLowerRows(l, size, rows, 7, size + 1, stride);
    for (let c = 0; c < 7; c++) solveLower(l, size, one, stride, c * (size + 1));
    expectClose(rows, one, 1e-9);
  },
);

test("a matrix that is not positive definite is refused", () => {
  expect(factorise(Float64Array.of(1, 0, 2, 1), 2)).toBe(false);
  expect(factorise(Float64Array.of(Number.NaN), 1)).toBe(false);
});

test("eigenvalues agree with SciPy's, and the vectors are orthonormal and make up the matrix again", () => {
  const { values, vectors } = eigenSymmetric(Float64Array.from(golden.symmetric), n);
  expectClose(Float64Array.from(values).sort(), golden.eigenvalues, 1e-11);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let again = 0;
      let product = 0;
      for (let k = 0; k < n; k++) {
        again += vectors[i * n + k]! * values[k]! * vectors[j * n + k]!;
        product += vectors[k * n + i]! * vectors[k * n + j]!;
      }
      expect(again).toBeCloseTo(golden.symmetric[i * n + j]!, 9);
      expect(product).toBeCloseTo(i === j ? 1 : 0, 10);
    }
  }
});

test("LU solves what NumPy solves, and says when a matrix is singular", () => {
  const factors = factoriseLu(Float64Array.from(golden.general), n);
  expect(factors).not.toBeNull();
  if (factors) expectClose(solveLu(factors, golden.right), golden.solution, 1e-8);
  expect(factoriseLu(Float64Array.of(1, 2, 2, 4), 2)).toBeNull();
  expect(factoriseLu(new Float64Array(9), 3)).toBeNull();
});

test("LU exchanges rows, without which a small pivot would cost all digits", () => {
  const factors = factoriseLu(Float64Array.of(1e-20, 1, 1, 1), 2);
  expect(factors && [...solveLu(factors, [1, 2])]).toEqual([1, 1]);
});

test("the LASSO agrees with scikit-learn's", () => {
  const { x, y, alpha, coefficients, intercept } = golden.lasso;
  const columns = coefficients.map((_, j) => Float64Array.from(x.slice(j * y.length, (j + 1) * y.length)));
  const fit = lasso(columns, Float64Array.from(y), alpha);
  expectClose(fit.coefficients, coefficients, 1e-5);
  expect(fit.intercept).toBeCloseTo(intercept, 5);
  const none = lasso([new Float64Array(y.length).fill(3)], Float64Array.from(y), alpha);
  expect([...none.coefficients]).toEqual([0]);
});
