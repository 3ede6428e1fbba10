import { expect, test } from "vitest";
import { spread } from "../../../bench/pbt/fixed.ts";
import { outcomeOf, table } from "../../../bench/pbt/outcome.ts";

const REST = { lost: 3, ended: 1, finished: true };

test("the least validation loss counts, with the test loss there", () => {
  const found = [
    { valid: 0.5, test: 0.1 },
    { valid: 0.2, test: 0.4 },
    { valid: 0.3, test: 0.2 },
  ];
  expect(outcomeOf(found, REST)).toEqual({ valid: 0.2, test: 0.4, results: 3, ...REST });
  expect(outcomeOf([], REST)).toEqual({ valid: null, test: null, results: 0, ...REST });
});

test("a row has a cell a seed, the means, and how many searches stopped early", () => {
  const task = { problem: "p", population: 2, epochs: 2, segment: 1, killed: 0.3, version: "1" };
  const result = (seed: number, valid: number, finished: boolean) =>
    ({
      ...task,
      search: "a",
      seed,
      valid,
      test: 2 * valid,
      results: 4,
      lost: seed,
      ended: 2,
      finished,
    }) as const;
  const [header, , ...rows] = table(
    [result(1, 0.3, false), result(0, 0.1, true), result(2, 0.5, true)],
    ["none", "a"],
  ).split("\n");
  expect(header).toMatch(/^\| search \| seed 0 \| seed 1 \| seed 2 \| mean \|/);
  expect(rows).toEqual(["| a | 0.1000 | 0.3000 | 0.5000 | 0.3000 | 0.6000 | 4 | 2.0 | 1 | 1 of 3 |"]);
});

test("settings that are kept reach from bound to bound, and no two are alike in either coordinate", () => {
  const points = spread(10, 2);
  expect([points[0]![0], points.at(-1)![0]]).toEqual([0, 1]);
  for (const axis of [0, 1]) {
    const sorted = points.map((point) => point[axis]!).sort((a, b) => a - b);
    const gaps = sorted.slice(1).map((value, i) => value - sorted[i]!);
    expect(Math.min(...gaps)).toBeGreaterThan(0.05);
    expect(Math.max(...gaps)).toBeLessThan(0.2);
  }
});
