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

/**
 * How the trials tell their gradients: not at all, or times this.
 * @param untold parameters whose derivatives are not told.
 */
const search = (seed: number, trials: number, factor: number | null, untold: readonly number[] = []) => {
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
      ...(factor !== null && {
        gradient: gradient.map((slope, j) => (untold.includes(j) ? Number.NaN : factor * slope)),
      }),
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

test("so are they where some derivatives are not told, and right ones are not", () => {
  const wrong = search(1, 20, -1, [D + 1]);
  expect(wrong.whys.at(-1)).toContain("without gradients, which do not fit the results");
  expect(wrong.least).toBeLessThan(2 * search(1, 20, null).least);
  const few = search(1, 20, 1, [0, 1, 2, 3, D + 1]);
  expect(few.whys.at(-1)).toContain("from gradients too");
  expect(few.least).toBeLessThan(search(1, 20, null).least);
});

/** One ask after trials with these derivatives. */
const askAfter = (gradients: readonly (readonly number[])[]) => {
  const d = gradients[0]!.length;
  const wide = compileSpace(
    Object.fromEntries(
      Array.from({ length: d }, (_, j) => [`x${j}`, { type: "float", low: 0, high: 1 } as const]),
    ),
  );
  const random = createRandom(gradients.length, d);
  const rows = gradients.map((gradient, number): HistoryRow => {
    const x = Float64Array.from({ length: d }, () => random.uniform());
    return { number, x, kind: TrialKind.completed, y: [x.reduce((sum, u) => sum + u * u, 0)], gradient };
  });
  return askAlgorithm({
    problem: { space: wide, objectives: 1, budget: { trials: 1000, parallel: 1 } },
    choice: { name: "gp" },
    history: buildHistory(wide, 1, rows),
    count: 1,
    seed: 1,
    firstNumber: rows.length,
  }).proposals;
};

test.each([1e60, 1e160, 1e200, 1.7e308])(
  "a derivative of %d among ordinary ones does not hold up an ask",
  (huge) => {
    const gradients = Array.from({ length: 12 }, (_, i) => [i === 4 ? huge : 0.5, Number.NaN, 0.1]);
    const begin = performance.now();
    expect(askAfter(gradients)).toHaveLength(1);
    expect(performance.now() - begin).toBeLessThan(5000);
  },
);

test("where a single trial has hundreds of derivatives they are left out, so that an ask stays quick", () => {
  const told = Array.from({ length: 60 }, () => Array<number>(600).fill(0.5));
  expect(askAfter(told)[0]?.why).not.toContain("gradients");
});

test("gradients that are twice too long are still of use", () => {
  expect(search(1, 15, 2).least).toBeLessThan(search(1, 15, null).least);
});
