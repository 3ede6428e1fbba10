import { expect, test } from "vitest";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { problemOf } from "../../../support/contracts/algorithm.ts";
import { type NamedSpace, spaceNamed } from "../../../support/spaces.ts";

const ask = (named: NamedSpace, count: number, rows: readonly HistoryRow[] = [], seed = 5) =>
  askAlgorithm({
    problem: problemOf(named),
    choice: { name: "sobol" },
    history: buildHistory(named.space, 1, rows),
    count,
    seed,
    firstNumber: rows.length,
  }).proposals;

test("a trial's point depends on its number only, whatever the size of the asks", () => {
  const mixed = spaceNamed("mixed");
  const rows: HistoryRow[] = [];
  for (let number = 0; number < 16; number++) rows.push({ number, x: ask(mixed, 1, rows)[0]!.x });
  expect(rows.map(({ x }) => x)).toEqual(ask(mixed, 16).map(({ x }) => x));
});

test("enqueued trials take their numbers' points away and nothing else: no point comes twice", () => {
  const line = spaceNamed("one float");
  const enqueued: HistoryRow[] = [0, 1, 2].map((number) => ({ number, x: [0.1 * number], y: [0] }));
  const whole = ask(line, 64).map(({ x }) => x);
  expect(ask(line, 61, enqueued).map(({ x }) => x)).toEqual(whole.slice(3));
});

test("64 trials of one float lie one in each 64th", () => {
  const proposals = ask(spaceNamed("one float"), 64);
  expect(new Set(proposals.map(({ x }) => Math.floor(x[0]! * 64))).size).toBe(64);
});

test("where a constraint refuses half of the points, the sequence still provides every one", () => {
  const proposals = ask(spaceNamed("linear constraints"), 100);
  expect(proposals).toHaveLength(100);
  expect(proposals.filter(({ why }) => why === "fallback")).toEqual([]);
});

test("the first points are pinned", () => {
  expect(ask(spaceNamed("one float"), 4, [], 1).map(({ x }) => x[0])).toMatchInlineSnapshot(`
    [
      0.3460408631945029,
      0.5293032225454226,
      0.8799982800846919,
      0.09691116365138441,
    ]
  `);
});
