import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../shared/numerics/random.ts";
import { bracketSize, hyperband } from "../../../shared/scheduler/hyperband.ts";
import { LadderWorld, ofKind } from "../../support/ladder-world.ts";

const resource = { name: "epoch", min: 1, max: 81 };

/** Li et al. 2018, table 1: R = 81, eta = 3. Of each bracket, the trials that begin, and the resource they begin with. */
const PAPER = [
  [81, 1],
  [34, 3],
  [15, 9],
  [8, 27],
  [5, 81],
];

const startsOf = (type: "stopping" | "promotion" | "synchronous", trials: number) => {
  const scheduler = hyperband.create({ resource, type }, "client");
  return Array.from({ length: trials }, (_, ordinal) => scheduler.start(ordinal)!);
};

test("the brackets have the sizes of the paper's table", () => {
  expect(PAPER.map((_, skipped) => bracketSize(skipped, 4, 3))).toEqual(PAPER.map(([size]) => size));
  const pass = 81 + 34 + 15 + 8 + 5;
  const starts = startsOf("synchronous", 2 * pass);
  for (let bracket = 0; bracket < 10; bracket++) {
    const own = starts.filter((place) => place.bracket === bracket);
    expect([own.length, own[0]!.resource]).toEqual(PAPER[bracket % 5]);
    expect(own.every(({ rung }) => rung === 0)).toBe(true);
  }
  // One after the other: a bracket begins when the one before is full.
  const brackets = starts.map(({ bracket }) => bracket);
  expect(brackets).toEqual([...brackets].sort((a, b) => a - b));
});

test("side by side, each bracket has its share of the trials at any time", () => {
  const pass = PAPER.reduce((sum, [size = 0]) => sum + size, 0);
  for (const trials of [20, 50, 143, 1000]) {
    const starts = startsOf("promotion", trials);
    for (const [bracket, [size = 0]] of PAPER.entries()) {
      const share = starts.filter((place) => place.bracket === bracket).length;
      expect(Math.abs(share - (trials * size) / pass)).toBeLessThan(3);
    }
  }
});

test("a synchronous rung of a bracket goes on to the next with the paper's numbers", () => {
  const scheduler = hyperband.create({ resource, type: "synchronous" }, "client");
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 40 }), (seed, workers) => {
      const random = createRandom(seed);
      const world = new LadderWorld(scheduler, {
        trials: 143,
        workers,
        tables: 2,
        curves: (trial, step) => createRandom(seed, trial, step).uniform(),
        random,
      }).run();
      const entered = ofKind(world.happenings, "entered");
      const count = (bracket: number, rung: number) =>
        entered.filter(({ at }) => at.bracket === bracket && at.rung === rung).length;
      expect([0, 1, 2, 3, 4].map((rung) => count(0, rung))).toEqual([81, 27, 9, 3, 1]);
      expect([0, 1, 2, 3].map((rung) => count(1, rung))).toEqual([34, 11, 3, 1]);
      expect([0, 1, 2].map((rung) => count(2, rung))).toEqual([15, 5, 1]);
      expect([0, 1].map((rung) => count(3, rung))).toEqual([8, 2]);
      expect(count(4, 0)).toBe(5);
    }),
    { numRuns: 10 },
  );
});

test("brackets of long ago are left out, the open ones never", () => {
  const scheduler = hyperband.create({ resource, type: "synchronous" }, "client");
  for (const trials of [0, 1, 143, 144, 1000, 5000]) {
    const first = scheduler.firstBracket(trials);
    const last = trials === 0 ? 0 : scheduler.start(trials - 1)!.bracket;
    expect(first).toBe(Math.max(0, last + 1 - 15));
  }
});
