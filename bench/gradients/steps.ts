import { createInterface } from "node:readline";
import { TrialKind } from "../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import { compileSpace } from "../../shared/space/compile.ts";

/**
 * The service's algorithm `gradient` for a program in another language: `node bench/gradients/steps.ts <parameters> <trials>`.
 * It prints the point of a trial in the unit cube, waits for a line `{"value", "gradient"}`, prints the next point, and so on until its input ends.
 */

const [parameters, trials] = process.argv.slice(2).map(Number) as [number, number];
const space = compileSpace(
  Object.fromEntries(
    Array.from({ length: parameters }, (_, j) => [`x${j}`, { type: "float", low: 0, high: 1 } as const]),
  ),
);
const rows: HistoryRow[] = [];

const ask = (): void => {
  const [proposal] = askAlgorithm({
    problem: { space, objectives: 1, budget: { trials, parallel: 1 } },
    choice: { name: "gradient" },
    history: buildHistory(space, 1, rows),
    count: 1,
    seed: 1,
    firstNumber: rows.length,
  }).proposals;
  if (proposal === undefined) throw new Error("Nothing was proposed.");
  const { x, parent } = proposal;
  rows.push({ number: rows.length, x, ...(parent !== undefined && { parent }) });
  console.log(JSON.stringify([...x]));
};

ask();
for await (const line of createInterface({ input: process.stdin })) {
  const told: { readonly value: number; readonly gradient: readonly number[] } = JSON.parse(line);
  const last = rows.pop()!;
  rows.push({ ...last, kind: TrialKind.completed, y: [told.value], gradient: told.gradient });
  if (rows.length < trials) ask();
}
