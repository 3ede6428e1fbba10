import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import type { Data } from "../../../../shared/optimizer/gp/model.ts";
import { relevance, trends } from "../../../../shared/optimizer/gp/relevance.ts";

const dataOf = (numeric: number, rows: readonly number[][], targets: readonly number[]): Data => ({
  layout: { width: rows[0]!.length, numeric },
  n: rows.length,
  features: Float64Array.from(rows.flat()),
  targets: Float64Array.from(targets),
  noise: new Float64Array(rows.length).fill(1),
});

const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const scatterOf = (values: readonly number[]) =>
  values.reduce((sum, v) => sum + (v - meanOf(values)) ** 2, 0);

test("of a choice of two it is the square of Student's t", () => {
  const random = createRandom(1);
  const rows = Array.from({ length: 31 }, () => [Number(random.uniform() < 0.4)]);
  const targets = rows.map(([choice]) => 0.8 * choice! + random.normal());
  const group = (wanted: number) => targets.filter((_, i) => rows[i]![0] === wanted);
  const [a, b] = [group(0), group(1)];
  const pooled = (scatterOf(a) + scatterOf(b)) / (targets.length - 2);
  const t = (meanOf(a) - meanOf(b)) / Math.sqrt(pooled * (1 / a.length + 1 / b.length));
  expect(relevance(dataOf(0, rows, targets))[0]).toBeCloseTo(t * t, 9);
});

test("of a number it is that of its quarters by rank, whatever its scale", () => {
  const random = createRandom(2);
  const u = Array.from({ length: 40 }, () => random.uniform());
  const targets = u.map((v) => (v - 0.5) ** 2 + 0.1 * random.normal());
  const order = u.map((_, i) => i).sort((a, b) => u[a]! - u[b]!);
  const quarters = [0, 1, 2, 3].map((q) => order.slice(10 * q, 10 * q + 10).map((i) => targets[i]!));
  const within = quarters.reduce((sum, values) => sum + scatterOf(values), 0) / (40 - 4);
  const between = quarters.reduce((sum, values) => sum + 10 * (meanOf(values) - meanOf(targets)) ** 2, 0) / 3;
  for (const stretch of [(v: number) => v, (v: number) => v ** 9]) {
    const rows = u.map((v) => [stretch(v)]);
    expect(relevance(dataOf(1, rows, targets))[0]).toBeCloseTo(between / within, 9);
  }
});

test("equal numbers are never told apart", () => {
  // Most trials share one value, and only their targets differ: nothing is told.
  const rows = Array.from({ length: 40 }, (_, i) => [i < 34 ? 0.5 : 0.9]);
  const targets = rows.map((_, i) => (i < 34 ? i : 16.5));
  expect(relevance(dataOf(1, rows, targets))[0]).toBeCloseTo(0, 9);
});

test("what matters comes before what does not, numbers and choices alike", () => {
  for (let seed = 0; seed < 5; seed++) {
    const random = createRandom(seed, 3);
    const rows = Array.from({ length: 120 }, () => [
      ...Array.from({ length: 20 }, () => random.uniform()),
      ...Array.from({ length: 10 }, () => random.integer(3)),
    ]);
    const targets = rows.map((x) => 3 * (x[4]! - 0.2) ** 2 + 2 * x[17]! + (x[25] === 2 ? 1 : 0));
    const scores = relevance(dataOf(20, rows, targets));
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
    expect(new Set(order.slice(0, 3))).toEqual(new Set([4, 17, 25]));
  }
});

test("what never varies tells nothing, and neither does what differs in every trial", () => {
  const targets = [1, 2, 3, 4, 5, 6, 7, 8];
  const rows = targets.map((_, i) => [0.3, 1, i]);
  expect([...relevance(dataOf(1, rows, targets))]).toEqual([0, 0, 0]);
});

test("targets that agree give finite numbers", () => {
  const rows = Array.from({ length: 8 }, (_, i) => [i / 8, i % 2]);
  expect([...relevance(dataOf(1, rows, Array(8).fill(2)))]).toEqual([0, 0]);
});

test("a trend is the t statistic of a regression on one number, positive when results become better upwards", () => {
  const random = createRandom(4);
  const rows = Array.from({ length: 30 }, () => [random.uniform(), random.uniform(), random.uniform(), 0.5]);
  const targets = rows.map(([a, b, c]) => -a! + 2 * b! + (c! - 0.5) ** 2 + 0.2 * random.normal());
  const [a, b, c, constant] = trends(dataOf(4, rows, targets));
  expect(a).toBeGreaterThan(2);
  expect(b).toBeLessThan(-4);
  expect(Math.abs(c!)).toBeLessThan(2);
  expect(constant).toBe(0);
  const u = rows.map((row) => row[0]!);
  const slope =
    u.reduce((sum, v, i) => sum + (v - meanOf(u)) * (targets[i]! - meanOf(targets)), 0) / scatterOf(u);
  const left = targets.map((y, i) => y - meanOf(targets) - slope * (u[i]! - meanOf(u)));
  expect(a).toBeCloseTo(-slope / Math.sqrt(scatterOf(left) / 28 / scatterOf(u)), 9);
});
