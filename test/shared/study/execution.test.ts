import { expect, test } from "vitest";
import { executionOf, firstToRun } from "../../../shared/study/execution.ts";
import { batchExecution, halvingScheduler } from "../../support/batch.ts";
import { loadedStudy, trialOf } from "../../support/study.ts";

test("the rounds of each start have an execution of their own, from the first start on", () => {
  const study = loadedStudy({ scheduler: halvingScheduler, executor: batchExecution });
  expect(executionOf(study, 0)).toBeNull();
  expect(executionOf(study, 2)).toEqual({
    machine: "brackets",
    study: study.id,
    generation: 2,
    index: null,
  });
});

test("a study that no state machine runs has no execution", () => {
  expect(executionOf(loadedStudy(), 1)).toBeNull();
});

test("an execution runs so many trials and no more: those that run already, then the others in their order", () => {
  const states = ["queued", "running", "queued", "running", "queued"] as const;
  const trials = states.map((state, number) => trialOf({ number, state }));
  const numbersOf = (most: number) => firstToRun(trials, most).map(({ number }) => number);
  expect(numbersOf(4)).toEqual([1, 3, 0, 2]);
  expect(numbersOf(9)).toEqual([1, 3, 0, 2, 4]);
  expect(trials.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4]);
});
