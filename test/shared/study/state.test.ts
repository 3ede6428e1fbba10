import { expect, test } from "vitest";
import type { TrialState } from "../../../shared/schemas/trial.ts";
import {
  countTrials,
  isUnfinished,
  refuseUnlessRunning,
  shownState,
  stateOf,
  trialsLeft,
  trialsUsed,
} from "../../../shared/study/state.ts";
import { batchExecution } from "../../support/batch.ts";
import { headOf, loadedStudy, snapshotOf, trialOf } from "../../support/study.ts";

test.each<[TrialState, boolean]>([
  ["queued", true],
  ["running", true],
  ["paused", true],
  ["completed", false],
  ["pruned", false],
  ["failed", false],
])("a trial that is %s: unfinished is %s", (state, expected) => {
  expect(isUnfinished({ state })).toBe(expected);
});

test("the budget counts the trials handed out, and not the imported ones", () => {
  const head = headOf({ trials: 10, next: 7, imported: 4 });
  expect(trialsUsed(head)).toBe(3);
  expect(trialsLeft(head)).toBe(7);
});

test("no trials are left once the search space is exhausted, nor when the budget was overdrawn", () => {
  expect(trialsLeft(headOf({ trials: 10, next: 2, exhausted: true }))).toBe(0);
  expect(trialsLeft(headOf({ trials: 2, next: 5 }))).toBe(0);
});

test("a study is finished when no trial is left to hand out and every trial has ended", () => {
  const head = headOf({ trials: 1, next: 1, folded: { completed: 1, pruned: 0, failed: 0 } });
  expect(stateOf({ head, trials: [trialOf({ state: "completed" })] })).toBe("finished");
  for (const state of ["queued", "running", "paused"] as const) {
    expect(stateOf({ head, trials: [trialOf({ state })] })).toBe("running");
  }
  expect(
    stateOf({
      head: headOf({ trials: 2, next: 1, folded: { completed: 1, pruned: 0, failed: 0 } }),
      trials: [],
    }),
  ).toBe("running");
});

test("a paused study with nothing left to do is finished, one that is being deleted is not", () => {
  const used = { trials: 1, next: 1, folded: { completed: 1, pruned: 0, failed: 0 } };
  expect(stateOf({ head: headOf({ ...used, state: "paused" }), trials: [] })).toBe("finished");
  expect(stateOf({ head: headOf({ ...used, state: "deleting" }), trials: [] })).toBe("deleting");
});

test("a paused and a finished study are refused, each with its own reason", () => {
  const refusal = (head: Parameters<typeof headOf>[0]) => () =>
    refuseUnlessRunning(stateOf(snapshotOf({ head: headOf(head) })));
  expect(refusal({})).not.toThrow();
  expect(refusal({ state: "paused" })).toThrow(
    expect.objectContaining({ type: "study-not-running", facts: { kind: "study-paused" } }),
  );
  expect(refusal({ trials: 1, next: 1, folded: { completed: 1, pruned: 0, failed: 0 } })).toThrow(
    expect.objectContaining({ type: "study-not-running", facts: { kind: "study-finished" } }),
  );
});

test("trials are counted by their state, folded ones included", () => {
  const head = headOf({ folded: { completed: 100, pruned: 20, failed: 3 }, next: 131 });
  const states: TrialState[] = ["queued", "running", "running", "paused", "completed", "failed"];
  const trials = states.map((state, number) => trialOf({ number, state }));
  expect(countTrials(snapshotOf({ head, trials }))).toEqual({
    queued: 1,
    running: 2,
    // Two of them are neither in the tail nor folded with an end.
    paused: 3,
    completed: 101,
    pruned: 20,
    failed: 4,
  });
});

test("only a batch study that would be running and is not started is shown as ready", () => {
  const client = snapshotOf({});
  const batch = loadedStudy({ executor: batchExecution });
  const shown = (head: Parameters<typeof headOf>[0], study = batch) =>
    shownState({ ...client, study, head: headOf(head) });
  expect(shown({ started: false })).toBe("ready");
  expect(shown({ started: true })).toBe("running");
  expect(shown({ started: false, state: "paused" })).toBe("paused");
  expect(shown({ started: false, state: "deleting" })).toBe("deleting");
  expect(shown({ started: false, trials: 1, next: 1, folded: { completed: 1, pruned: 0, failed: 0 } })).toBe(
    "finished",
  );
  expect(shown({ started: false }, client.study)).toBe("running");
});
