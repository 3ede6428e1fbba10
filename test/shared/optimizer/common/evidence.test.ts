import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { type Evidence, gather, narrow } from "../../../../shared/optimizer/common/evidence.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";

const space = compileSpace({ a: { type: "float", low: 0, high: 1 } });

const anyEvidence = fc
  .record({
    n: fc.integer({ min: 2, max: 60 }),
    objectives: fc.integer({ min: 1, max: 3 }),
    feasible: fc.constantFrom(0, 0.2, 0.8, 1),
    seed: fc.nat(1e6),
  })
  .map(({ n, objectives, feasible, seed }): Evidence => {
    const random = createRandom(seed);
    // Few values, so that ties are many.
    const column = () => Float64Array.from({ length: n }, () => random.integer(12) / 4);
    return {
      rows: Array.from({ length: n }, (_, i) => 3 * i + 1),
      objectives: Array.from({ length: objectives }, column),
      slopes: Array.from({ length: objectives }, () =>
        Float64Array.from({ length: n }, (_, i) => (i % 3 === 0 ? Number.NaN : 1 + i)),
      ),
      noise: Float64Array.from({ length: n }, (_, i) => 1 + i),
      isFeasible: Array.from({ length: n }, () => random.uniform() < feasible),
      constraints: [0.3, 0.9].map((share) => {
        const positions = Array.from({ length: n }, (_, i) => i).filter(() => random.uniform() < share);
        return { positions, excess: Float64Array.from(positions, (p) => p + 0.5) };
      }),
    };
  });

test("evidence of few trials is narrowed to itself", () => {
  fc.assert(fc.property(anyEvidence, (all) => narrow(all, all.rows.length) === all));
});

test("narrowed evidence has as many trials as asked for, each once, in their order", () => {
  fc.assert(
    fc.property(anyEvidence, fc.integer({ min: 2, max: 30 }), (all, most) => {
      const { rows } = narrow(all, most);
      expect(rows).toHaveLength(Math.min(most, all.rows.length));
      expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b));
      for (const row of rows) expect(all.rows).toContain(row);
    }),
  );
});

test("all that narrowed evidence says of a trial is what was said of it before", () => {
  fc.assert(
    fc.property(anyEvidence, fc.integer({ min: 2, max: 30 }), (all, most) => {
      const some = narrow(all, most);
      const before = some.rows.map((row) => all.rows.indexOf(row));
      expect([...some.noise]).toEqual(before.map((i) => all.noise[i]));
      expect(some.isFeasible).toEqual(before.map((i) => all.isFeasible[i]));
      expect(some.objectives.map((y) => [...y])).toEqual(all.objectives.map((y) => before.map((i) => y[i])));
      expect(some.slopes.map((y) => [...y])).toEqual(all.slopes.map((y) => before.map((i) => y[i])));
      const factsOf = ({ rows, constraints }: Evidence) =>
        constraints.map(({ positions, excess }) => positions.map((p, k) => [rows[p], excess[k]]));
      const left = new Set(some.rows);
      expect(factsOf(some)).toEqual(factsOf(all).map((facts) => facts.filter(([row]) => left.has(row!))));
    }),
  );
});

test("narrowed evidence holds the best trial by each objective and by their sum, feasible ones first", () => {
  fc.assert(
    fc.property(anyEvidence, fc.integer({ min: 8, max: 30 }), (all, most) => {
      const { rows } = narrow(all, most);
      const candidates = all.rows.map((_, i) => i).filter((i) => all.isFeasible[i]);
      const from = candidates.length > 0 ? candidates : all.rows.map((_, i) => i);
      const sum = Float64Array.from(all.rows, (_, i) => all.objectives.reduce((s, y) => s + y[i]!, 0));
      for (const key of [...all.objectives, sum]) {
        const least = Math.min(...from.map((i) => key[i]!));
        expect(from.some((i) => key[i] === least && rows.includes(all.rows[i]!))).toBe(true);
      }
    }),
  );
});

test("half of the trials that are kept are the best ones, the others spread from good to bad", () => {
  const n = 1000;
  const y = Float64Array.from({ length: n }, (_, i) => (i * 7919) % n);
  const noise = new Float64Array(n).fill(1);
  const isFeasible = Array(n).fill(true);
  const rows = Array.from({ length: n }, (_, i) => i);
  const { objectives } = narrow(
    { rows, objectives: [y], slopes: [y], noise, isFeasible, constraints: [] },
    40,
  );
  const kept = [...objectives[0]!].sort((a, b) => a - b);
  expect(kept.slice(0, 20)).toEqual(rows.slice(0, 20));
  const gaps = kept.slice(21).map((v, i) => v - kept[20 + i]!);
  expect(Math.min(...gaps)).toBeGreaterThan(40);
  expect(Math.max(...gaps)).toBeLessThan(60);
});

test("as long as few are feasible, all of them are kept", () => {
  const n = 300;
  const y = Float64Array.from({ length: n }, (_, i) => i);
  const isFeasible = Array.from({ length: n }, (_, i) => i >= n - 10);
  const rows = Array.from({ length: n }, (_, i) => i);
  const noise = new Float64Array(n).fill(1);
  const some = narrow({ rows, objectives: [y, y], slopes: [y, y], noise, isFeasible, constraints: [] }, 60);
  expect(some.isFeasible.filter(Boolean)).toHaveLength(10);
});

const gathered = (rows: readonly Omit<HistoryRow, "number" | "x">[], outcomes = 0) => {
  const history = buildHistory(
    space,
    1,
    rows.map((row, number) => ({ number, x: [0.5], ...row })),
    outcomes,
  );
  return gather(history, 1, outcomes, "plain")!;
};

test("a failed trial counts as the worst, and as less sure", () => {
  const { rows, objectives, noise, isFeasible } = gathered([
    { y: [3] },
    { kind: TrialKind.failed },
    { y: [8] },
    { kind: TrialKind.running },
    { y: [1] },
  ]);
  expect(rows).toEqual([0, 1, 2, 4]);
  expect([...objectives[0]!]).toEqual([3, 8, 8, 1]);
  expect(noise[1]).toBeGreaterThan(noise[0]!);
  expect(isFeasible).toEqual([true, false, true, true]);
});

test("a pruned trial counts at least as the median of those that were completed", () => {
  const pruned = (value: number) => ({ kind: TrialKind.pruned, y: [value] });
  const { objectives, noise, isFeasible } = gathered([
    { y: [1] },
    { y: [5] },
    { y: [9] },
    pruned(0),
    pruned(7),
  ]);
  expect([...objectives[0]!]).toEqual([1, 5, 9, 5, 7]);
  expect([...noise].map((v) => v > 1)).toEqual([false, false, false, true, true]);
  expect(isFeasible).toEqual([true, true, true, false, false]);
});

test("constraints keep the sign of what exceeds them, and leave out what is unknown", () => {
  const { constraints, isFeasible } = gathered(
    [
      { y: [1], excess: [-2], violation: 0 },
      { y: [1], excess: [4], violation: 4 },
      { kind: TrialKind.failed },
      { y: [1], excess: [1], violation: 1 },
    ],
    1,
  );
  expect(constraints[0]!.positions).toEqual([0, 1, 3]);
  const [within, far, near] = constraints[0]!.excess;
  expect(within).toBeLessThan(0);
  expect(near).toBeGreaterThan(0);
  expect(far).toBeGreaterThan(near!);
  expect(isFeasible).toEqual([true, false, false, false]);
});

test("an excess far outside the others counts as the worst of them, whatever its size", () => {
  const excesses = [-2, 4, 1, -3, 2];
  const constraintOf = (penalty: number) => {
    const rows = [...excesses, penalty, penalty].map((excess) => ({
      y: [1],
      excess: [excess],
      violation: Math.max(0, excess),
    }));
    return [...gathered(rows, 1).constraints[0]!.excess];
  };
  const told = constraintOf(1e10);
  expect(told.slice(5)).toEqual([told[1], told[1]]);
  expect(constraintOf(1e100)).toEqual(told);
  const within = gathered(
    [-2, -4, -1, 1e10].map((excess) => ({ y: [1], excess: [excess], violation: Math.max(0, excess) })),
    1,
  );
  expect(within.constraints[0]!.excess[3]).toBeGreaterThan(0);
  expect(within.constraints[0]!.excess[3]).toBeLessThan(3);
});

test("there is no evidence before two trials have a result", () => {
  const one = [
    { number: 0, x: [0.1], y: [1] },
    { number: 1, x: [0.2], kind: TrialKind.failed },
  ];
  expect(gather(buildHistory(space, 1, one), 1, 0)).toBeNull();
});

test("100,000 trials of which half failed or have the same result are gathered quickly", () => {
  const random = createRandom(1);
  for (const tie of [{ kind: TrialKind.failed }, { y: [9] }]) {
    const rows = Array.from({ length: 100_000 }, (_, number) => ({
      number,
      x: [random.uniform()],
      ...(number % 2 === 0 ? tie : { y: [random.uniform()] }),
    }));
    const history = buildHistory(space, 1, rows);
    const begin = performance.now();
    const { objectives } = narrow(gather(history, 1, 0)!, 250);
    expect(performance.now() - begin).toBeLessThan(3000); // 0.2 s alone; a rank by counting takes minutes
    expect(objectives[0]).toHaveLength(250);
  }
});
