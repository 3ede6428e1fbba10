import { expect, test } from "vitest";
import { createRandom } from "../../../shared/numerics/random.ts";
import { pasha } from "../../../shared/scheduler/pasha.ts";
import {
  EMPTY_RUNG,
  EMPTY_TABLE,
  type Rung,
  rungOf,
  withEntry,
} from "../../../shared/scheduler/rung-table.ts";
import { LadderWorld, ofKind } from "../../support/ladder-world.ts";

const scheduler = pasha.create({ resource: { name: "epoch", min: 1, max: 81 } });

const highest = (curves: (trial: number, step: number) => number, seed: number): number => {
  const random = createRandom(seed);
  const world = new LadderWorld(scheduler, { trials: 100, workers: 5, tables: 2, curves, random }).run();
  return Math.max(...ofKind(world.happenings, "entered").map(({ at }) => at.rung));
};

test("while two rungs rank their trials alike the ladder has two rungs", () => {
  for (let seed = 0; seed < 5; seed++) {
    expect(highest((trial, step) => createRandom(seed, trial).uniform() - step / 100, seed)).toBe(1);
  }
});

test("rankings that change let it grow", () => {
  for (let seed = 0; seed < 5; seed++) {
    expect(highest((trial, step) => createRandom(seed, trial, step).uniform(), seed)).toBeGreaterThanOrEqual(
      3,
    );
  }
});

/** Rungs with these costs, from the bottom; each trial waits at its last one. */
const rungsWith = (curves: readonly (readonly number[])[]): Rung[] =>
  Array.from({ length: 5 }, (_, rung) => {
    const here = curves.flatMap((costs, trial) => {
      const cost = costs[rung];
      return cost === undefined
        ? []
        : [{ standing: { trial, costs: [cost], violation: 0 }, waits: costs.length === rung + 1 }];
    });
    if (here.length === 0) return EMPTY_RUNG;
    const table = here.reduce(
      (known, { standing, waits }) => withEntry(known, standing, waits ? 64 : 0),
      EMPTY_TABLE,
    );
    return rungOf([table], { failed: 0, lost: new Set() });
  });

const goesOn = (curves: readonly (readonly number[])[]) => {
  const rungs = rungsWith(curves);
  const progress = { trials: curves.length, mayStart: true, busy: 1 };
  return scheduler
    .resume(({ rung }) => rungs[rung] ?? EMPTY_RUNG, progress, 9)
    .map(({ trial, from }) => [trial, from.rung]);
};

/** Nine trials of which three have come to the second rung. */
const others = (count: number) => Array.from({ length: count }, (_, i) => [10 + i]);

test("two trials that change their order let the best of the second rung go on", () => {
  const stable = [[1, 1], [2, 2], [3, 3], ...others(6)];
  const crossed = [[1, 2], [2, 1], [3, 3], ...others(6)];
  expect(goesOn(stable)).toEqual([]);
  expect(goesOn(crossed)).toEqual([[1, 1]]);
});

test("a rung that trials have come to stays, though the rungs below rank them alike again", () => {
  const curves = [[1, 1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [6, 6], ...others(12)];
  expect(goesOn(curves)).toEqual([[1, 1]]);
});

test("a change that is smaller than the noise is none", () => {
  // The first two cross twice within 0.1; that much is noise to all.
  const noisy = [[1, 1.02, 1.0, 1.03], [1.01, 1, 1.05, 1.01], [2, 2, 2, 2], ...others(6)];
  expect(goesOn(noisy)).not.toContainEqual([0, 3]);
  expect(goesOn(noisy)).not.toContainEqual([1, 3]);
});
