import { expect, test } from "vitest";
import { placed, placeOf, rungAddress, standingOf } from "../../../shared/study/place.ts";
import { batchExecution, halvingScheduler } from "../../support/batch.ts";
import { loadedStudy, STUDY, specOf, trialOf } from "../../support/study.ts";

/** Rungs of 1, 3 and 9 epochs. */
const halving = loadedStudy({ executor: batchExecution, scheduler: halvingScheduler });

test("a trial is where it says it is, whatever the ladder", () => {
  const trial = trialOf({ bracket: 2, rung: 1, resource: 27 });
  expect(placeOf(halving, trial)).toEqual({ bracket: 2, rung: 1, resource: 27 });
  expect(placeOf(loadedStudy(), trial)).toEqual({ bracket: 2, rung: 1, resource: 27 });
});

test("a trial written before it carried its rung is found by its resource", () => {
  expect(placeOf(halving, trialOf({ resource: 9 }))).toEqual({ bracket: 0, rung: 2, resource: 9 });
  expect(placeOf(halving, trialOf({ resource: 1 }))).toEqual({ bracket: 0, rung: 0, resource: 1 });
  expect(placeOf(halving, trialOf({ resource: 5 }))).toBeNull();
});

test("a trial without a resource, or of a study without a ladder, is nowhere", () => {
  expect(placeOf(halving, trialOf({ bracket: 0, rung: 0 }))).toBeNull();
  expect(placeOf(loadedStudy(), trialOf({ resource: 9 }))).toBeNull();
});

test("the fields of a place give the place back", () => {
  const place = { bracket: 1, rung: 2, resource: 81 };
  expect(placeOf(halving, trialOf(placed(place)))).toEqual(place);
  expect(placeOf(halving, trialOf(placed(null)))).toBeNull();
  // A place may carry more; none of it reaches the trial.
  expect(placed({ ...place, extra: 1 } as typeof place)).toEqual(place);
});

test("a rung is found by its study, bracket and number", () => {
  expect(rungAddress(halving, { bracket: 1, rung: 2 })).toEqual({ study: STUDY, bracket: 1, rung: 2 });
});

test("a standing holds one cost per objective, lower is better, and how far it is outside the limits", () => {
  const spec = specOf({
    objectives: [
      { metric: "accuracy", direction: "maximize" },
      { metric: "ms", direction: "minimize" },
    ],
    outcomes: [{ metric: "ms", max: 50 }],
  });
  expect(standingOf(spec, 3, { accuracy: 0.9, ms: 60 })).toEqual({
    trial: 3,
    costs: [-0.9, 60],
    violation: 10,
  });
  expect(standingOf(spec, 3, { accuracy: 0.9 })).toEqual({
    trial: 3,
    costs: [-0.9, Number.NaN],
    violation: Number.NaN,
  });
  expect(standingOf(spec, 3, null)).toMatchObject({ trial: 3, costs: [] });
});
