import { expect, test } from "vitest";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { problemOf } from "../../../support/contracts/algorithm.ts";
import { spaces } from "../../../support/spaces.ts";

const spaceOf = (name: string) => spaces.find((named) => named.name === name)!;

test("a trial's point depends on its number only, whatever the size of the asks", () => {
  const named = spaceOf("mixed");
  const empty = buildHistory(named.space, 1, []);
  const together = askAlgorithm({
    problem: problemOf(named),
    choice: { name: "sobol" },
    history: empty,
    count: 16,
    seed: 5,
    firstNumber: 0,
  }).proposals.map(({ x }) => x);
  const rows: HistoryRow[] = [];
  for (let number = 0; number < 16; number++) {
    const history = buildHistory(named.space, 1, rows);
    const [proposal] = askAlgorithm({
      problem: problemOf(named),
      choice: { name: "sobol" },
      history,
      count: 1,
      seed: 5,
      firstNumber: number,
    }).proposals;
    rows.push({ number, x: proposal!.x });
  }
  expect(rows.map(({ x }) => x)).toEqual(together);
});

test("enqueued trials take their numbers' points away and nothing else: no point comes twice", () => {
  const named = spaceOf("one float");
  const rows: HistoryRow[] = [0, 1, 2].map((number) => ({ number, x: [0.1 * number], y: [0] }));
  const proposals = askAlgorithm({
    problem: problemOf(named),
    choice: { name: "sobol" },
    history: buildHistory(named.space, 1, rows),
    count: 61,
    seed: 5,
    firstNumber: 3,
  }).proposals;
  const whole = askAlgorithm({
    problem: problemOf(named),
    choice: { name: "sobol" },
    history: buildHistory(named.space, 1, []),
    count: 64,
    seed: 5,
    firstNumber: 0,
  }).proposals;
  expect(proposals.map(({ x }) => x)).toEqual(whole.slice(3).map(({ x }) => x));
});

test("64 trials of one float lie one in each 64th", () => {
  const named = spaceOf("one float");
  const proposals = askAlgorithm({
    problem: problemOf(named),
    choice: { name: "sobol" },
    history: buildHistory(named.space, 1, []),
    count: 64,
    seed: 5,
    firstNumber: 0,
  }).proposals;
  expect(new Set(proposals.map(({ x }) => Math.floor(x[0]! * 64))).size).toBe(64);
});

test("where a constraint refuses half of the points, the sequence still provides every one", () => {
  const named = spaceOf("linear constraints");
  const proposals = askAlgorithm({
    problem: problemOf(named),
    choice: { name: "sobol" },
    history: buildHistory(named.space, 1, []),
    count: 100,
    seed: 5,
    firstNumber: 0,
  }).proposals;
  expect(proposals).toHaveLength(100);
  expect(proposals.filter(({ why }) => why === "fallback")).toEqual([]);
});

test("the first points are pinned", () => {
  const named = spaceOf("one float");
  const proposals = askAlgorithm({
    problem: problemOf(named),
    choice: { name: "sobol" },
    history: buildHistory(named.space, 1, []),
    count: 4,
    seed: 1,
    firstNumber: 0,
  }).proposals;
  expect(proposals.map(({ x }) => x[0])).toMatchInlineSnapshot(`
    [
      0.3460408631945029,
      0.5293032225454226,
      0.8799982800846919,
      0.09691116365138441,
    ]
  `);
});
