import { expect, test } from "vitest";
import { createRandom } from "../../../shared/numerics/random.ts";
import { buildHistory, emptyHistory, type HistoryRow } from "../../../shared/optimizer/history.ts";
import { proposeTrials } from "../../../shared/optimizer/propose.ts";
import { sampleCube } from "../../../shared/space/sample.ts";
import { problemOf } from "../../support/contracts/algorithm.ts";
import { spaces } from "../../support/spaces.ts";

const spaceOf = (name: string) => spaces.find((named) => named.name === name)!;

test("a small finite space that fits the budget is tried out in full by the grid", () => {
  const named = spaceOf("tiny and finite");
  const [proposal] = proposeTrials(problemOf(named), "auto", emptyHistory(named.space, 1), 1, 1, 0);
  expect(proposal).toMatchObject({ algorithm: "grid", why: "the whole space fits the budget" });
});

test("with less budget than the space is large, and in any other space, it begins with Sobol", () => {
  const tiny = spaceOf("tiny and finite");
  const poor = problemOf(tiny, { budget: { trials: 5, parallel: 1 } });
  for (const [named, problem] of [
    [tiny, poor],
    [spaceOf("mixed"), problemOf(spaceOf("mixed"))],
  ] as const) {
    const [proposal] = proposeTrials(problem, "auto", emptyHistory(named.space, 1), 1, 1, 0);
    expect(proposal).toMatchObject({ algorithm: "sobol", why: "initial design" });
  }
});

test("after ten results it goes on with TPE", () => {
  const named = spaceOf("mixed");
  const random = createRandom(1);
  const rows = Array.from(
    { length: 10 },
    (_, number): HistoryRow => ({ number, x: sampleCube(named.space, random), y: [number] }),
  );
  const next = (known: HistoryRow[]) =>
    proposeTrials(problemOf(named), "auto", buildHistory(named.space, 1, known), 1, 1, known.length)[0];
  expect(next(rows.slice(1))).toMatchObject({ algorithm: "sobol" });
  expect(next(rows)).toMatchObject({ algorithm: "tpe" });
});
