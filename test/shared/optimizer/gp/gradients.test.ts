import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";

/** `gp` with told gradients. */

const D = 6;
const space = compileSpace({
  ...Object.fromEntries(
    Array.from({ length: D }, (_, j) => [`x${j}`, { type: "float", low: 0, high: 1 } as const]),
  ),
  kind: { type: "categorical", choices: ["a", "b"] },
  steps: { type: "int", low: 1, high: 9 },
});

/** A wavy bowl with its minimum 0 elsewhere for each seed, and its derivatives by the coordinates. */
const bowl = (seed: number) => {
  const random = createRandom(seed, 1);
  const centre = Array.from({ length: D }, () => 0.2 + 0.6 * random.uniform());
  return (x: ArrayLike<number>) => {
    let value = x[D]! > 0.5 ? 0.3 : 0;
    const gradient = new Float64Array(space.parameters.length).fill(Number.NaN);
    for (const [j, c] of centre.entries()) {
      const u = x[j]! - c;
      value += (1 + j) * u * u + 0.05 * (1 - Math.cos(12 * u));
      gradient[j] = 2 * (1 + j) * u + 0.6 * Math.sin(12 * u);
    }
    const v = x[D + 1]! - 0.5;
    gradient[D + 1] = 2 * v;
    return { value: value + v * v, gradient };
  };
};

/** How the trials tell their gradients: not at all, or times this. */
const search = (seed: number, trials: number, factor: number | null) => {
  const f = bowl(seed);
  const rows: HistoryRow[] = [];
  const whys: string[] = [];
  for (let number = 0; number < trials; number++) {
    const [proposal] = askAlgorithm({
      problem: { space, objectives: 1, budget: { trials, parallel: 1 } },
      choice: { name: "gp" },
      history: buildHistory(space, 1, rows),
      count: 1,
      seed,
      firstNumber: number,
    }).proposals;
    const { x, why } = proposal!;
    const { value, gradient } = f(x);
    whys.push(why);
    rows.push({
      ...{ number, x, kind: TrialKind.completed, y: [value] },
      ...(factor !== null && { gradient: gradient.map((slope) => factor * slope) }),
    });
  }
  return { least: Math.min(...rows.map(({ y }) => y![0]!)), whys };
};

test.each([1, 2, 3])(
  "with gradients it finds more in 15 trials than without in 30, choices and steps beside, seed %d",
  (seed) => {
    const { least, whys } = search(seed, 15, 1);
    expect(least).toBeLessThan(search(seed, 30, null).least);
    expect(whys.at(-1)).toContain("from gradients too");
  },
);

test("gradients with the wrong sign are left out, which its trials say, and do no harm", () => {
  const { least, whys } = search(1, 20, -1);
  expect(whys.at(-1)).toContain("without gradients, which do not fit the results");
  expect(least).toBeLessThan(2 * search(1, 20, null).least);
});

test("gradients that are twice too long are still of use", () => {
  expect(search(1, 15, 2).least).toBeLessThan(search(1, 15, null).least);
});
