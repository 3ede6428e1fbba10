import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";

const BITS = 60;
const space = compileSpace(
  Object.fromEntries(
    Array.from({ length: BITS }, (_, i) => [`b${i}`, { type: "categorical" as const, choices: [-1, 1] }]),
  ),
);
const bitsOf = (x: ArrayLike<number>): number[] =>
  Array.from({ length: BITS }, (_, i) => (x[i]! < 0.5 ? -1 : 1));

/** Runs a study whose stages are asked for at once, as many workers would. */
const search = (f: (x: number[]) => number, samples: number, seed: number) => {
  const problem = { space, objectives: 1, budget: { trials: 1000, parallel: samples } };
  const rows: HistoryRow[] = [];
  for (let stage = 0; stage < 4; stage++) {
    const history = buildHistory(space, 1, rows);
    const count = stage < 3 ? samples : 10;
    for (const { x } of askAlgorithm({
      problem,
      choice: { name: "harmonica", samples },
      history,
      count,
      seed,
      firstNumber: rows.length,
    }).proposals) {
      rows.push({ number: rows.length, x, y: [f(bitsOf(x))] });
    }
  }
  return rows;
};

test("recovers the minimum of the reference's first function, 60 bits of which 7 matter", () => {
  const f = (x: number[]) => 10 * (x[2]! * x[8]! + x[15]! + x[46]! + x[38]! + x[3]! * x[6]!);
  for (const seed of [1, 2, 3]) {
    const rows = search(f, 100, seed);
    const last = rows.slice(-10).map(({ y }) => y![0]);
    expect(last).toEqual(Array(10).fill(-50));
  }
});

test("recovers a hidden decision in three stages, each finer than the one before, under noise", () => {
  // Stage s of five bits: minus 100 / 4^s times their agreement with a hidden pattern, only where the stages before agree.
  const chance = createRandom(5);
  const hidden = Array.from({ length: 15 }, () => (chance.uniform() < 0.5 ? -1 : 1));
  const where = Array.from({ length: 15 }, (_, i) => 4 * i + 1);
  const clean = (x: number[]) => {
    let sum = 0;
    for (let stage = 0; stage < 3; stage++) {
      for (let k = 5 * stage; k < 5 * stage + 5; k++)
        sum -= (100 / 4 ** stage / 5) * x[where[k]!]! * hidden[k]!;
    }
    return sum;
  };
  const noise = createRandom(6);
  const rows = search((x) => clean(x) + 0.5 * noise.normal(), 150, 1);
  const best = -(100 + 25 + 6.25);
  for (const { x } of rows.slice(-10)) expect(clean(bitsOf(x))).toBeCloseTo(best, 9);
});
