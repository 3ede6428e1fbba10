import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { isWithin, nearestRows, regionOf } from "../../../../shared/optimizer/gp/region.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { sampleCube } from "../../../../shared/space/sample.ts";
import { spaces } from "../../../support/spaces.ts";

const float = { type: "float", low: 0, high: 1 } as const;
const space = compileSpace({ a: float, b: float });
const rowAt = (number: number, a: number, y: number): HistoryRow => ({ number, x: [a, 0.5], y: [y] });
const reachAfter = (rows: readonly HistoryRow[]) => regionOf(space, buildHistory(space, 1, rows))?.reach;

/** One trial, then `failures` next to it that are worse. */
const failing = (failures: number) => [
  rowAt(0, 0.5, 1),
  ...Array.from({ length: failures }, (_, i) => rowAt(i + 1, 0.5 + 1e-5 * (i + 1), 2)),
];

test("a region is halved when trials in it fail, and begins again when it has become very small", () => {
  expect(reachAfter(failing(3))).toBe(0.2);
  expect(reachAfter(failing(4))).toBe(0.1);
  expect(reachAfter(failing(8))).toBe(0.05);
  expect(reachAfter(failing(24))).toBe(0.2);
});

test("a region is doubled after three successes in a row", () => {
  const rows = [4, 3, 2, 1].map((y, i) => rowAt(i, 0.5 + 0.01 * i, y));
  expect(reachAfter(rows.slice(0, 3))).toBe(0.2);
  expect(reachAfter(rows)).toBe(0.4);
});

test("trials elsewhere do not count, unless one is better: then its surroundings are the region", () => {
  const elsewhere = Array.from({ length: 40 }, (_, i) => rowAt(10 + i, 0.9, 2));
  expect(reachAfter([...failing(4), ...elsewhere])).toBe(0.1);
  const region = regionOf(space, buildHistory(space, 1, [...failing(4), rowAt(60, 0.95, 0)]));
  expect(region).toEqual({ centre: Float64Array.of(0.95, 0.5), reach: 0.2 });
});

test("in a long history the local asks stay in the region, where constraints bind too", () => {
  const weights = compileSpace(Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, float])), [
    { a: 1, b: 1, c: 1, d: 1, min: 1, max: 1 },
  ]);
  const random = createRandom(5);
  const rows = Array.from({ length: 280 }, (_, number): HistoryRow => {
    const x = sampleCube(weights, random);
    return { number, x, y: [x.reduce((sum, u, j) => sum + (u - 0.1 * (j + 1)) ** 2, 0)] };
  });
  // As if many trials next to the best one had failed: a small region.
  const centre = rows.reduce((a, b) => (b.y![0]! < a.y![0]! ? b : a)).x as Float64Array;
  for (let i = 0; i < 12; i++) {
    const x = Float64Array.from(centre, (u, j) => u + (j === 0 ? 1e-5 : j === 1 ? -1e-5 : 0) * (i + 1));
    rows.push({ number: rows.length, x, y: [9] });
  }
  const history = buildHistory(weights, 1, rows);
  const region = regionOf(weights, history)!;
  expect(region.reach).toBeLessThan(0.06);
  let local = 0;
  for (let ask = 0; ask < 4; ask++) {
    const problem = { space: weights, objectives: 1, budget: { trials: 1000, parallel: 1 } };
    const firstNumber = history.n + ask;
    const { proposals } = askAlgorithm({
      problem,
      choice: { name: "gp" },
      history,
      count: 1,
      seed: 1,
      firstNumber,
    });
    const { x, why } = proposals[0]!;
    if (!why.includes("near the best")) continue;
    local++;
    expect(isWithin(weights, region, x)).toBe(true);
  }
  expect(local).toBeGreaterThan(0);
});

test("there is no region while no trial is feasible", () => {
  expect(reachAfter([])).toBeUndefined();
  expect(reachAfter([{ ...rowAt(0, 0.5, 1), violation: 1 }])).toBeUndefined();
});

test("the nearest rows are those that sorting by distance puts first, the oldest of equally near ones", () => {
  const tenth = fc.integer({ min: 0, max: 10 }).map((k) => k / 10);
  const points = fc.array(fc.record({ a: tenth, b: tenth, isRunning: fc.boolean() }), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(points, fc.integer({ min: 1, max: 45 }), (given, most) => {
      const rows = given.map(
        ({ a, b, isRunning }, number): HistoryRow => ({ number, x: [a, b], ...(!isRunning && { y: [1] }) }),
      );
      const away = (row: number) => (given[row]!.a - 0.5) ** 2 + (given[row]!.b - 0.5) ** 2;
      const all = given.map((_, row) => row);
      const ended = all.filter((row) => !given[row]!.isRunning).sort((a, b) => away(a) - away(b) || a - b);
      const running = all.filter((row) => given[row]!.isRunning);
      expect(nearestRows(space, buildHistory(space, 1, rows), Float64Array.of(0.5, 0.5), most)).toEqual(
        [...running, ...ended.slice(0, most)].sort((a, b) => a - b),
      );
    }),
  );
});

test.each(spaces.map((named) => [named.name, named.space] as const))(
  "on %s the nearest rows are as many as asked for, the centre among them, and all running ones",
  (_, one) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 1, max: 12 }), (seed, most) => {
        const random = createRandom(seed);
        const rows = Array.from({ length: 20 }, (_, number): HistoryRow => {
          const x = sampleCube(one, random);
          return number % 5 === 4 ? { number, x } : { number, x, y: [random.uniform()] };
        });
        const history = buildHistory(one, 1, rows);
        const region = regionOf(one, history)!;
        const best = rows.reduce((a, b) => ((b.y?.[0] ?? 2) < (a.y?.[0] ?? 2) ? b : a));
        expect(region.centre).toEqual(best.x);
        expect(isWithin(one, region, region.centre)).toBe(true);
        const kept = nearestRows(one, history, region.centre, most);
        expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
        expect(kept.filter((row) => row % 5 === 4)).toEqual([4, 9, 14, 19]);
        expect(kept).toHaveLength(most + 4);
        expect(kept.some((row) => rows[row]!.x === best.x || String(rows[row]!.x) === String(best.x))).toBe(
          true,
        );
      }),
      { numRuns: 10 },
    );
  },
);
