import { describe, expect, test } from "vitest";
import { buildHistory, type HistoryRow } from "../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../../shared/optimizer/registry.ts";
import { fromCube } from "../../../shared/space/cube.ts";
import { validateConfiguration } from "../../../shared/space/validate.ts";
import { searchingNames } from "../../support/algorithms.ts";
import { type Equation, equations } from "../../support/equations.ts";

/** Runs a study on a space whose constraints no draw meets by chance; so many trials at once. */
const search = (name: AlgorithmName, { space, regret }: Equation, trials: number, count: number) => {
  const problem = { space, objectives: 1, budget: { trials, parallel: count } };
  const rows: HistoryRow[] = [];
  const reasons: string[] = [];
  while (rows.length < trials) {
    const history = buildHistory(space, 1, rows);
    const ask = { problem, choice: { name }, history, count, seed: 3, firstNumber: rows.length };
    const { proposals } = askAlgorithm(ask);
    if (proposals.length === 0) break;
    for (const { x, why } of proposals) {
      const params = fromCube(space, x);
      validateConfiguration(space, params, "");
      rows.push({ number: rows.length, x, y: [regret(params)] });
      reasons.push(why);
    }
  }
  const least = Math.min(...rows.map(({ y }) => y![0]!));
  return { least, fallbacks: reasons.filter((why) => why.includes("fallback")).length, trials: rows.length };
};

/** Of the grid each point is its own: it has none on most planes. */
const searching = searchingNames.filter((name) => name !== "grid");

describe.each(Object.entries(equations))("%s", (_, equation) => {
  test.each(searching)("%s proposes what it has chosen itself", (name) => {
    const { fallbacks, trials } = search(name, equation, 20, 5);
    expect(trials).toBe(20);
    expect(fallbacks).toBe(0);
  });

  test("gp finds the best allowed point", () => {
    expect(search("gp", equation, 40, 1).least).toBeLessThan(1e-2);
  });
});

test("in 120 trials gp never falls back on random trials, and gets as near as in a band around the plane", () => {
  const { least, fallbacks } = search("gp", equations["weights that sum to 1"]!, 120, 1);
  expect(fallbacks).toBe(0);
  expect(least).toBeLessThan(2e-8);
}, 240_000);
