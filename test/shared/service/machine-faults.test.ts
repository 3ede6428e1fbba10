import { expect, test } from "vitest";
import type { CreateStudyBody } from "../../../shared/schemas/study.ts";
import { play } from "../../support/simulation.ts";

/** Studies that other machines run than those of halving, played out under faults. */

const lease = { seconds: 60, maxAttempts: 2 };
const evaluation = {
  type: "nested-cv",
  samples: 60,
  outer: { folds: 2, kind: "plain" },
  inner: { folds: 2, together: true },
} as const;

const studies: Record<
  string,
  { study: Partial<CreateStudyBody>; happens: readonly string[]; first?: number }
> = {
  "nested cross-validation": {
    study: { evaluation, budget: { trials: 3, parallel: 2 }, lease, scheduler: { name: "none" } },
    happens: ["fold wait", "fold completed", "paused"],
  },
  "nested cross-validation with little money": {
    study: {
      evaluation,
      budget: { trials: 3, parallel: 2, gpuHours: 6 },
      lease,
      scheduler: { name: "none" },
    },
    happens: ["fold wait", "fold completed"],
  },
  "nested cross-validation whose searches run in rounds": {
    study: {
      evaluation,
      budget: { trials: 3, parallel: 3 },
      lease,
      scheduler: { name: "sha", resource: { name: "epoch", min: 1, max: 3 }, eta: 3 },
    },
    happens: ["fold rounds", "fold wait", "fold completed", "paused"],
  },
  "generations of population-based training": {
    study: {
      algorithm: { name: "pbt", population: 3, seed: 1 },
      scheduler: { name: "segments", type: "synchronous", resource: { name: "epoch", min: 2, max: 6 } },
      budget: { trials: 9, parallel: 2 },
      lease,
    },
    happens: ["generations", "paused"],
    // Of these one is paused.
    first: 4,
  },
};

const always = ["crash", "delivered", "claimed", "told", "killed", "stopped", "event", "attempt interrupted"];
const STORIES = 4;

test.each(Object.entries(studies))(
  "whatever is lost, late or killed, every trial ends once: %s",
  async (_, { study, happens, first = 0 }) => {
    const sums = new Map<string, number>();
    for (let seed = first; seed < first + STORIES; seed++) {
      const { violations, counts } = await play({ seed, steps: 120, study });
      expect(violations, `seed ${seed}`).toEqual([]);
      for (const [what, count] of Object.entries(counts)) sums.set(what, (sums.get(what) ?? 0) + count);
    }
    for (const what of [...always, ...happens]) expect(sums.get(what) ?? 0, what).toBeGreaterThan(0);
  },
  300_000,
);
