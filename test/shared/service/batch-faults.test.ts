import fc from "fast-check";
import { expect, test } from "vitest";
import { halvingScheduler } from "../../support/batch.ts";
import { play } from "../../support/simulation.ts";

const anyStory = fc.record({ seed: fc.nat(), steps: fc.integer({ min: 40, max: 160 }) });

test("whatever is lost, doubled, late or killed, every trial of a batch study ends once and the invariants hold", async () => {
  await fc.assert(
    fc.asyncProperty(anyStory, fc.integer({ min: 1, max: 3 }), async (story, parallel) => {
      const { violations } = await play({ ...story, study: { budget: { trials: 6, parallel } } });
      expect(violations).toEqual([]);
    }),
    { numRuns: 12, seed: 4, endOnFailure: true },
  );
}, 300_000);

test("the same for a study in rounds, whose promotions follow from the told values alone", async () => {
  await fc.assert(
    fc.asyncProperty(anyStory, async (story) => {
      const study = { budget: { trials: 9, parallel: 3 }, scheduler: halvingScheduler };
      const { violations } = await play({ ...story, study });
      expect(violations).toEqual([]);
    }),
    { numRuns: 8, seed: 5, endOnFailure: true },
  );
}, 300_000);
