import fc from "fast-check";
import { expect, test } from "vitest";
import { fronts } from "../../../../shared/numerics/fronts.ts";
import { TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { bestFirst } from "../../../../shared/optimizer/common/ranking.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";

const dominates = (a: readonly number[], b: readonly number[]) =>
  a.every((v, j) => v <= b[j]!) && a.some((v, j) => v < b[j]!);

/** Front by front: what nothing that is left dominates. */
const peeled = (points: readonly (readonly number[])[]): number[][] => {
  let left = points.map((_, i) => i);
  const found: number[][] = [];
  while (left.length > 0) {
    const front = left.filter((i) => !left.some((j) => dominates(points[j]!, points[i]!)));
    found.push(front);
    left = left.filter((i) => !front.includes(i));
  }
  return found;
};

/** Deb's crowding distance of one front whose values all differ. */
const crowding = (points: readonly (readonly number[])[], front: readonly number[], i: number): number => {
  let sum = 0;
  for (let j = 0; j < points[0]!.length; j++) {
    const values = front.map((k) => points[k]![j]!).sort((a, b) => a - b);
    const at = values.indexOf(points[i]![j]!);
    if (at === 0 || at === values.length - 1) return Infinity;
    sum += (values[at + 1]! - values[at - 1]!) / (values.at(-1)! - values[0]!);
  }
  return sum;
};

const cloud = (value: fc.Arbitrary<number>) =>
  fc
    .integer({ min: 2, max: 4 })
    .chain((m) =>
      fc.array(fc.tuple(...Array.from({ length: m }, () => value)), { minLength: 1, maxLength: 40 }),
    );
const rowsOf = (points: readonly unknown[]) => points.map((_, i) => i);
const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);

test("fronts are those of peeling off what nothing dominates, ties and duplicates included", () => {
  fc.assert(
    fc.property(cloud(fc.integer({ min: 0, max: 6 })), (points) => {
      const found = fronts(rowsOf(points), Float64Array.from(points.flat()), points[0]!.length);
      expect(found.map(sorted)).toEqual(peeled(points));
    }),
  );
});

/** Points of one front: the second objective falls where the first rises. */
const oneFront = fc
  .uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 30 })
  .chain((first) =>
    fc
      .uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: first.length, maxLength: first.length })
      .map((second) => {
        const falling = [...second].sort((a, b) => b - a);
        return [...first].sort((a, b) => a - b).map((value, i) => [value, falling[i]!]);
      }),
  );

test("within a front the less crowded comes first, by Deb's distance", () => {
  fc.assert(
    fc.property(oneFront, (points) => {
      const found = fronts(rowsOf(points), Float64Array.from(points.flat()), 2);
      expect(found).toHaveLength(1);
      const distances = found[0]!.map((i) => crowding(points, found[0]!, i));
      for (let k = 1; k < distances.length; k++) {
        expect(distances[k]!).toBeLessThanOrEqual(distances[k - 1]! * (1 + 1e-9));
      }
    }),
  );
});

const square = compileSpace({
  x: { type: "float", low: 0, high: 1 },
  y: { type: "float", low: 0, high: 1 },
});

test("feasible trials come before pruned, infeasible and failed ones, however good those are", () => {
  const x = [0, 0];
  const rows: HistoryRow[] = [
    { number: 0, x, y: [9, 9] },
    { number: 1, x, y: [0, 0], violation: 2 },
    { number: 2, x, y: [0, 0], violation: 1 },
    { number: 3, x, kind: TrialKind.failed, y: null },
    { number: 4, x, y: [1, 1], kind: TrialKind.pruned, resource: 3 },
    { number: 5, x, y: [8, 8] },
    { number: 6, x, y: [0, 0], kind: TrialKind.pruned, resource: 1 },
  ];
  expect(bestFirst(buildHistory(square, 2, rows), [0, 1, 2, 3, 4, 5, 6], 2)).toEqual([5, 0, 4, 6, 2, 1, 3]);
});

/** The area that points dominate, up to (1.1, 1.1). */
const volumeOf = (points: readonly (readonly number[])[]): number => {
  let area = 0;
  let ceiling = 1.1;
  for (const [a = 0, b = 0] of [...points].sort((p, q) => p[0]! - q[0]!)) {
    if (a >= 1.1 || b >= ceiling) continue;
    area += (1.1 - a) * (ceiling - b);
    ceiling = b;
  }
  return area;
};

const ZDT: Readonly<Record<string, readonly [shape: (r: number, a: number) => number, best: number]>> = {
  zdt1: [(r) => 1 - Math.sqrt(r), 0.8767],
  zdt2: [(r) => 1 - r * r, 0.5433],
  zdt3: [(r, a) => 1 - Math.sqrt(r) - r * Math.sin(10 * Math.PI * a), 1.3288],
};

test.each(Object.entries(ZDT))("comes near the whole front of %s with six parameters", (_, [shape, best]) => {
  const space = compileSpace(
    Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`x${i}`, { type: "float", low: 0, high: 1 }])),
  );
  const problem = {
    space,
    objectives: 2,
    budget: { trials: 2000, parallel: 50 },
  };
  const rows: HistoryRow[] = [];
  while (rows.length < 4000) {
    for (const { x } of askAlgorithm({
      problem,
      choice: { name: "nsga2", population: 50 },
      history: buildHistory(space, 2, rows),
      count: 100,
      seed: 1,
      firstNumber: rows.length,
    }).proposals) {
      const g = 1 + (9 / 5) * x.slice(1).reduce((a, b) => a + b, 0);
      rows.push({ number: rows.length, x, y: [x[0]!, g * shape(x[0]! / g, x[0]!)] });
    }
  }
  const volume = volumeOf(rows.map(({ y }) => [...(y as number[])]));
  expect(volume).toBeLessThanOrEqual(best + 1e-3);
  expect(volume / best).toBeGreaterThan(0.97);
});

test("parents win a tournament of two: most come from the better half", () => {
  // One parameter tells the two halves apart; children of two good parents stay in the good half.
  const rows = Array.from({ length: 100 }, (_, number) => {
    const isGood = number % 2 === 0;
    const x = [isGood ? 0.1 + number / 1e4 : 0.9 + number / 1e4, number / 100];
    return { number, x, y: isGood ? [number / 1e3, 1 - number / 1e3] : [5 + number / 1e3, 6 - number / 1e3] };
  });
  const problem = {
    space: square,
    objectives: 2,
    budget: { trials: 1000, parallel: 1 },
  };
  const children = askAlgorithm({
    problem,
    choice: { name: "nsga2", population: 100 },
    history: buildHistory(square, 2, rows),
    count: 600,
    seed: 1,
    firstNumber: 200,
  }).proposals;
  const share = children.filter(({ x }) => x[0]! < 0.5).length / children.length;
  // 3/4 of the mothers are good and a child keeps to a parent's side of 0.5 but for rare mutations.
  expect(share).toBeGreaterThan(0.65);
  expect(share).toBeLessThan(0.85);
});
