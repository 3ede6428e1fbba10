import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { mergeDuplicates } from "../../../../shared/optimizer/common/duplicates.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { sampleCube } from "../../../../shared/space/sample.ts";
import { spaceNamed, spaces } from "../../../support/spaces.ts";

const float = { type: "float", low: 0, high: 1 } as const;
const space = compileSpace({ a: float, b: float });

type End = Omit<HistoryRow, "number" | "x">;
const merged = (ends: readonly End[], outcomes = 0) =>
  mergeDuplicates(
    buildHistory(
      space,
      1,
      ends.map((end, number) => ({ number, x: [0.25, 0.5], ...end })),
      outcomes,
    ),
  );

test("a point that was tried more than once is one row with the mean of its results, and their number", () => {
  const { n, y, results, number } = merged([{ y: [1] }, { y: [2] }, { y: [6] }]);
  expect({ n, y: [...y], results: [...results!], number: [...number] }).toEqual({
    n: 1,
    y: [3],
    results: [3],
    number: [0],
  });
});

test("results count before failures, completed trials before pruned ones, and of these the furthest", () => {
  const failed = { kind: TrialKind.failed };
  const pruned = (resource: number, value: number) => ({ kind: TrialKind.pruned, resource, y: [value] });
  const outcome = (ends: readonly End[]) => {
    const { n, kind, y, results } = merged(ends);
    return { n, kind: kind[0], y: y[0], results: results![0] };
  };
  expect(outcome([failed, failed])).toEqual({ n: 1, kind: TrialKind.failed, y: Number.NaN, results: 1 });
  expect(outcome([failed, pruned(1, 9), pruned(3, 4), pruned(3, 6)])).toEqual({
    n: 1,
    kind: TrialKind.pruned,
    y: 5,
    results: 2,
  });
  expect(outcome([pruned(3, 4), failed, { y: [7] }, { y: [9] }])).toEqual({
    n: 1,
    kind: TrialKind.completed,
    y: 8,
    results: 2,
  });
});

test("noise around a bound does not make a point infeasible whose mean is within it", () => {
  const end = (excess: number) => ({ y: [1], excess: [excess], violation: Math.max(0, excess) });
  expect(merged([end(0.1), end(-0.3)], 1).violation[0]).toBe(0);
  expect(merged([end(0.3), end(-0.1)], 1).violation[0]).toBeCloseTo(0.1, 12);
});

test("a running trial stays beside those of the same point that have ended", () => {
  const { n, kind } = merged([{ y: [1] }, {}, { y: [3] }]);
  expect(n).toBe(2);
  expect([...kind]).toEqual([TrialKind.completed, TrialKind.running]);
});

test("points count as the same that differ by rounding, wherever they lie, and no others", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 2 }),
      fc.constantFrom(0, 1e-17, -1e-16, 3e-16, -5e-10),
      fc.constantFrom(2e-9, -2e-9, 1e-8, 1e-6, -1e-3),
      (x, rounding, distance) => {
        const rowAt = (number: number, move: number) => ({ number, x: [x[0]!, x[1]! + move], y: [number] });
        const near = buildHistory(space, 1, [rowAt(0, 0), rowAt(1, rounding)]);
        expect(mergeDuplicates(near).n).toBe(1);
        const apart = buildHistory(space, 1, [rowAt(0, 0), rowAt(1, distance)]);
        expect(mergeDuplicates(apart)).toBe(apart);
      },
    ),
  );
});

test.each(spaces.map((named) => [named.name] as const))("on %s every distinct point is kept once", (name) => {
  const { space: one } = spaceNamed(name);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
      const random = createRandom(seed);
      const points = Array.from({ length: 6 }, () => sampleCube(one, random));
      const rows = Array.from({ length: 24 }, (_, number): HistoryRow => {
        const x = points[random.integer(points.length)]!;
        return { number, x, y: [random.normal(), random.normal()] };
      });
      const keyOf = (x: ArrayLike<number>) => Array.from(x, (u) => u.toFixed(8)).join();
      const history = buildHistory(one, 2, rows);
      const { n, x, results = new Uint32Array(n).fill(1), number } = mergeDuplicates(history);
      const d = one.parameters.length;
      const kept = Array.from({ length: n }, (_, i) => keyOf(x.subarray(i * d, (i + 1) * d)));
      expect(new Set(kept)).toEqual(new Set(rows.map((row) => keyOf(row.x))));
      expect(new Set(kept).size).toBe(n);
      expect(results.reduce((a, b) => a + b, 0)).toBe(rows.length);
      expect([...number]).toEqual([...number].sort((a, b) => a - b));
    }),
    { numRuns: 10 },
  );
});

test("each of many trials without a duplicate is compared with few others, however close together", () => {
  const random = createRandom(1);
  const rows = 2000;
  const history = buildHistory(space, 1, []);
  const points = Float64Array.from({ length: 2 * rows }, () => 0.5 + 1e-4 * random.normal());
  let reads = 0;
  const x = new Proxy(points, {
    get: (target, property) => {
      if (property !== "length") reads++;
      return Reflect.get(target, property, target);
    },
  });
  const column = (value: number) => new Float64Array(rows).fill(value);
  const long = {
    ...history,
    n: rows,
    number: Uint32Array.from({ length: rows }, (_, i) => i),
    x,
    y: column(1),
    violation: column(0),
    kind: new Uint8Array(rows).fill(TrialKind.completed),
    resource: column(Number.NaN),
  };
  expect(mergeDuplicates(long)).toBe(long);
  // A few reads of each coordinate to find the buckets, and one for each comparison within them; all pairs would be 2000.
  expect(reads / points.length).toBeLessThan(4);
});
