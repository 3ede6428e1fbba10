import fc from "fast-check";
import { expect, test } from "vitest";
import type { SchedulerChoice } from "../../../shared/scheduler/registry.ts";
import { play, type Story } from "../../support/simulation.ts";

/** Batch studies on ladders, played out under faults as in batch-faults.test.ts. */

const anyStory = fc.record({ seed: fc.nat(), steps: fc.integer({ min: 40, max: 160 }) });
const resource = { name: "epoch", min: 1, max: 3 };
/** Two attempts, so that many trials lose their last one. */
const lease = { seconds: 60, maxAttempts: 2 };

interface Kind {
  readonly name: string;
  readonly scheduler: SchedulerChoice;
  readonly trials: number;
  /** What must have happened: the invariants do not hold because nothing did. */
  readonly eventful: readonly string[];
}

const kinds: Kind[] = [
  {
    // Brackets of three trials and of two.
    name: "hyperband in rounds",
    scheduler: { name: "hyperband", type: "synchronous", resource },
    trials: 10,
    eventful: ["side by side", "brackets", "stopped"],
  },
  {
    // Three trials, of which one goes on: when it fails, the next one does.
    name: "sha in rounds",
    scheduler: { name: "sha", resource },
    trials: 3,
    eventful: ["next in line", "stopped"],
  },
  {
    name: "asha, promotion",
    scheduler: { name: "asha", type: "promotion", resource },
    trials: 10,
    eventful: ["resumed", "stopped"],
  },
  {
    name: "hyperband, promotion",
    scheduler: { name: "hyperband", type: "promotion", resource },
    trials: 10,
    eventful: ["resumed", "stopped"],
  },
];

test.each(kinds)(
  "$name: whatever is lost, doubled, late or killed, the study comes to its end and the invariants hold",
  async ({ scheduler, trials, eventful }) => {
    const sums = new Map<string, number>();
    const tell = async (story: Omit<Story, "study">) => {
      const study = { budget: { trials, parallel: 5 }, scheduler, lease };
      const { violations, counts } = await play({ ...story, study });
      expect(violations, `seed ${story.seed}`).toEqual([]);
      for (const [what, count] of Object.entries(counts)) sums.set(what, (sums.get(what) ?? 0) + count);
    };
    await fc.assert(fc.asyncProperty(anyStory, tell), { numRuns: 6, seed: 99, endOnFailure: true });
    for (let seed = 0; seed < 40 && eventful.some((what) => !sums.get(what)); seed++) {
      await tell({ seed, steps: 160 });
    }
    for (const what of eventful) expect(sums.get(what) ?? 0, what).toBeGreaterThan(0);
  },
  300_000,
);
