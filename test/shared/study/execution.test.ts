import { expect, test } from "vitest";
import { executionOf } from "../../../shared/study/execution.ts";
import { batchExecution, halvingScheduler } from "../../support/batch.ts";
import { loadedStudy } from "../../support/study.ts";

test("the rounds of each start have an execution of their own, from the first start on", () => {
  const study = loadedStudy({ scheduler: halvingScheduler, executor: batchExecution });
  expect(executionOf(study, 0)).toBeNull();
  expect(executionOf(study, 2)).toEqual({ study: study.id, generation: 2, bracket: null });
});

test("a study that no state machine runs has no execution", () => {
  expect(executionOf(loadedStudy(), 1)).toBeNull();
});
