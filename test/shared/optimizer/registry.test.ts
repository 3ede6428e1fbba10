import { expect, test } from "vitest";
import type { Algorithm } from "../../../shared/optimizer/algorithm.ts";
import { buildHistory } from "../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../shared/optimizer/propose.ts";
import { algorithms } from "../../../shared/optimizer/registry.ts";
import { independentNames, searchingNames } from "../../support/algorithms.ts";
import { algorithmContract, problemOf, simulate } from "../../support/contracts/algorithm.ts";
import { spaces } from "../../support/spaces.ts";

const names = searchingNames;
// One whose trials go on from one another proposes points again: `pbt.test.ts` has its contract.
for (const name of independentNames) algorithmContract(name);

test.each(names.filter((name) => (algorithms[name] as Algorithm).ignoresResults))(
  "%s says that it ignores results, and proposes the same whatever they are",
  (name) => {
    const named = spaces[0]!;
    const rows = simulate(name, named, problemOf(named), { trials: 40, seed: 3 });
    const ask = (costs: (value: number, number: number) => number) => {
      const told = rows.map((row) => ({
        ...row,
        y: Array.from(row.y ?? [], (value) => costs(value, row.number)),
      }));
      const history = buildHistory(named.space, 1, told);
      return askAlgorithm({
        problem: problemOf(named),
        choice: { name },
        history,
        count: 3,
        seed: 3,
        firstNumber: 40,
      }).proposals;
    };
    expect(ask((value, number) => (number % 2) * 1e9 - value)).toEqual(ask((value) => value));
  },
);

test("every algorithm of the registry has its own name and a revision", () => {
  for (const [name, algorithm] of Object.entries(algorithms)) {
    expect(algorithm.name).toBe(name);
    expect(algorithm.revision).toBeGreaterThanOrEqual(1);
  }
});
