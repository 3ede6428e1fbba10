import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { type Hint, type Problem, TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { fromCube, snap } from "../../../../shared/space/cube.ts";
import { sampleCube } from "../../../../shared/space/sample.ts";
import { validateConfiguration } from "../../../../shared/space/validate.ts";

/** Spaces of many parameters, and histories of more trials than a process is fitted to. */

const float = { type: "float", low: 0, high: 1 } as const;

const branin = (a: number, b: number): number => {
  const x = 15 * a - 5;
  const y = 15 * b;
  const bend = y - (5.1 * x * x) / (4 * Math.PI ** 2) + (5 * x) / Math.PI - 6;
  return bend * bend + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10 - 0.397887;
};

test.each([1, 5])("of 50 parameters it finds the two that matter: Branin's function, seed %i", (seed) => {
  const space = compileSpace(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`x${i}`, float])));
  const problem: Problem = { space, objectives: 1, budget: { trials: 100, parallel: 1 } };
  const rows: HistoryRow[] = [];
  let hint: Hint | null = null;
  let least = Infinity;
  for (let number = 0; number < 60 && least >= 0.5; number++) {
    const answer = askAlgorithm({
      problem,
      choice: { name: "gp" },
      history: buildHistory(space, 1, rows),
      count: 1,
      seed,
      firstNumber: number,
      hint,
    });
    hint = answer.hint ?? hint;
    const { x } = answer.proposals[0]!;
    const value = branin(x[17]!, x[31]!);
    rows.push({ number, x, y: [value] });
    least = Math.min(least, value);
  }
  expect(least).toBeLessThan(0.5);
});

const LENGTH = 2000;
const space = compileSpace({
  a: float,
  b: float,
  c: float,
  d: float,
  e: float,
  kind: { type: "categorical", choices: ["x", "y", "z"] },
});

/** Two bowls that differ by where `a` is best; `a` + `b` may be 0.9 at most, and one kind is better. */
const measure = (x: Float64Array, objectives: number) => {
  const { a, b, c, d, e, kind } = fromCube(space, x);
  const bowl = (u: unknown, best: number) => (Number(u) - best) ** 2;
  const rest = bowl(b, 0.4) + bowl(c, 0.5) + bowl(d, 0.6) + bowl(e, 0.3) + (kind === "y" ? 0 : 0.3);
  const excess = Number(a) + Number(b) - 0.9;
  const y = [0.3, 0.7].map((best) => bowl(a, best) + rest).slice(0, objectives);
  return { y, excess: [excess], violation: Math.max(0, excess) };
};

const longStudy = (objectives: number) => {
  const random = createRandom(2);
  const rows = Array.from({ length: LENGTH }, (_, number): HistoryRow => {
    const x = sampleCube(space, random);
    return number % 40 === 3
      ? { number, x, kind: TrialKind.failed }
      : { number, x, ...measure(x, objectives) };
  });
  const budget = { trials: 5000, parallel: 4 };
  const problem: Problem = { space, objectives, outcomes: 1, budget };
  return { problem, rows, history: buildHistory(space, objectives, rows, 1) };
};

test.each([1, 2])(
  "after 2,000 trials of %i objectives an ask is sound, and answered alike again",
  (objectives) => {
    const { problem, history } = longStudy(objectives);
    const ask = () =>
      askAlgorithm({ problem, choice: { name: "gp" }, history, count: 4, seed: 1, firstNumber: LENGTH })
        .proposals;
    const proposals = ask();
    expect(proposals).toHaveLength(4);
    expect(ask()).toEqual(proposals);
    expect(history).toEqual(longStudy(objectives).history);
    for (const { x, why } of proposals) {
      validateConfiguration(space, fromCube(space, x), "");
      expect([...snap(space, x)]).toEqual([...x]);
      expect(why).toContain("improvement within the constraints");
    }
  },
);

test.each([1, 2])("after 2,000 trials of %i objectives it finds better ones near the best", (objectives) => {
  const { problem, rows, history } = longStudy(objectives);
  const feasible = rows.filter(({ violation }) => violation === 0);
  for (const seed of [1, 2, 3]) {
    const [next] = askAlgorithm({
      problem,
      choice: { name: "gp" },
      history,
      count: 1,
      seed,
      firstNumber: LENGTH + 1,
    }).proposals;
    expect(next!.why).toContain("near the best");
    const { y, violation } = measure(next!.x, objectives);
    expect(violation).toBeLessThan(0.02);
    for (const { y: other } of feasible) expect(y.some((value, j) => value < other![j]!)).toBe(true);
    // No trial before came as near to the front: the sum of both is 0.08 there, all of it the way between the bowls.
    const sum = y.reduce((a, b) => a + b, 0);
    expect(sum - (objectives === 1 ? 0 : 0.08)).toBeLessThan(0.02);
  }
});
