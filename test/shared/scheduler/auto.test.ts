import fc from "fast-check";
import { expect, test } from "vitest";
import { chooseScheduler } from "../../../shared/scheduler/auto.ts";
import { resolveScheduler, schedulerOf } from "../../../shared/scheduler/registry.ts";
import type { SchedulerSetting } from "../../../shared/scheduler/scheduler.ts";

const epochs = (max: number, min = 1) => ({ name: "epoch", min, max });
const client: SchedulerSetting = { executor: "client", objectives: 1, trials: 1000 };

const choose = (wanted: Parameters<typeof chooseScheduler>[0], change: Partial<SchedulerSetting> = {}) =>
  chooseScheduler(wanted, { ...client, ...change });

test("a model of learning curves chooses where there is one objective", () => {
  expect(choose({ resource: epochs(81) })).toEqual({
    choice: { name: "freeze-thaw", resource: epochs(81) },
    why: { kind: "learning-curves" },
  });
});

test("trials are stopped and never paused where programs cannot go on with one", () => {
  expect(choose({ resource: epochs(81), resumes: false })).toMatchObject({
    choice: { name: "asha" },
    why: { kind: "no-resume" },
  });
});

test("several objectives are stopped by their fronts", () => {
  expect(choose({ resource: epochs(81) }, { objectives: 2 })).toMatchObject({
    choice: { name: "asha" },
    why: { kind: "several-objectives", objectives: 2 },
  });
});

test.each([
  [8, null],
  [9, 27],
  [26, 27],
  [27, 9],
  [81, 3],
  [243, 1],
  [100_000, 1],
])("with a budget of %i trials the ladder begins where some of them come to its top", (trials, min) => {
  const { choice, why } = choose({ resource: epochs(81) }, { trials });
  if (min === null)
    expect({ choice, why }).toMatchObject({ choice: { name: "none" }, why: { kind: "few-trials" } });
  else expect(choice).toEqual({ name: "freeze-thaw", resource: epochs(81, min) });
});

test("nothing is compared where the ladder has one level", () => {
  expect(choose({ resource: epochs(9, 9) })).toMatchObject({
    choice: { name: "none" },
    why: { kind: "one-level" },
  });
});

test("whatever is asked for, the choice is one that the study may have, on a part of the same ladder", () => {
  const wanted = fc.record(
    {
      resource: fc.record({
        name: fc.constant("epoch"),
        min: fc.integer({ min: 1, max: 50 }),
        max: fc.integer({ min: 50, max: 9999 }),
      }),
      eta: fc.integer({ min: 2, max: 16 }),
      resumes: fc.boolean(),
    },
    { requiredKeys: ["resource"] },
  );
  const setting = fc.record({
    executor: fc.constantFrom("client" as const, "batch" as const),
    objectives: fc.integer({ min: 1, max: 3 }),
    trials: fc.integer({ min: 1, max: 1_000_000 }),
  });
  fc.assert(
    fc.property(wanted, setting, (asked, given) => {
      const { choice } = resolveScheduler(asked, given);
      const { levels, rounds } = schedulerOf(choice, given.executor);
      expect(rounds).toBeNull();
      if (choice.name === "none") return;
      const whole = schedulerOf(
        { ...choice, resource: asked.resource } as typeof choice,
        given.executor,
      ).levels;
      expect(whole.slice(-levels.length)).toEqual(levels);
    }),
  );
});
