import fc from "fast-check";
import { expect, test } from "vitest";
import { median } from "../../../shared/scheduler/median.ts";
import { EMPTY_TABLE, type RungTable, rungOf, withEntry } from "../../../shared/scheduler/rung-table.ts";
import type { Standing } from "../../../shared/scheduler/standing.ts";

const STEPS = 6;
const scheduler = median.create({ resource: { name: "epoch", min: 1, max: STEPS }, startup: 3 });

/** Whether the rule stops a trial after so many steps, computed from all curves. */
const stopsDirectly = (own: readonly number[], others: readonly (readonly number[])[]): boolean => {
  const averages = others
    .filter(({ length }) => length >= own.length)
    .map((curve) => curve.slice(0, own.length).reduce((sum, cost) => sum + cost, 0) / own.length)
    .sort((a, b) => a - b);
  if (averages.length < 3) return false;
  return Math.min(...own) > averages[Math.floor(averages.length / 2)]!;
};

/** Curves of which no two values are equal. */
const curves = fc
  .array(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: STEPS, maxLength: STEPS }), {
    minLength: 1,
    maxLength: 20,
  })
  .map((rows) => rows.map((row, i) => row.map((cost, j) => cost + (i * STEPS + j) / Math.PI / 1000)));

test("a trial is stopped when its best is worse than the median of the others' averages, computed directly", () => {
  let stops = 0;
  fc.assert(
    fc.property(curves, (drawn) => {
      const tables: RungTable[] = Array(STEPS).fill(EMPTY_TABLE);
      const known: number[][] = [];
      for (const [trial, curve] of drawn.entries()) {
        const earlier: Standing[] = [];
        let place = scheduler.start(trial)!;
        const own: number[] = [];
        for (const [i, cost] of curve.slice(0, -1).entries()) {
          const standing = { trial, costs: [cost], violation: 0 };
          const step = i + 1;
          own.push(cost);
          const at = scheduler.watches(place, step)!;
          const rung = rungOf([tables[at.rung]!], { failed: 0, lost: new Set() });
          const verdict = scheduler.report({ place, step, standing, earlier }, rung);
          expect(verdict.decision).toBe(stopsDirectly(own, known) ? "stop" : "continue");
          tables[at.rung] = withEntry(tables[at.rung]!, verdict.entry!, 0);
          earlier.push(standing);
          if (verdict.decision === "stop") {
            stops++;
            break;
          }
          place = verdict.place!;
        }
        known.push(own);
      }
    }),
  );
  expect(stops).toBeGreaterThan(100);
});

test("a report between two comparisons is answered without one, and names the next", () => {
  const sparse = median.create({ resource: { name: "epoch", min: 2, max: 20 }, every: 5 });
  expect(sparse.levels).toEqual([2, 7, 12, 17, 20]);
  const place = sparse.start(0);
  expect(sparse.watches(place, 1)).toBeNull();
  expect(sparse.nextStep(place)).toBe(2);
  expect(sparse.watches(place, 8)).toEqual({ bracket: 0, rung: 1 });
});
