import { expect, test } from "vitest";
import type { SchedulerChoice } from "../../shared/scheduler/registry.ts";
import { retryAtOnce } from "../support/faults.ts";
import { type Counted, playLadder } from "../support/ladder-history.ts";
import { createMemoryTable } from "../support/memory-table/client.ts";

const resource = { name: "epoch", min: 1, max: 9 };

/** Each with what must have happened in its histories, so that none is an idle one. */
const stories: readonly (readonly [string, SchedulerChoice, readonly Counted[]])[] = [
  ["asha, stopping", { name: "asha", resource }, ["stopped", "completed"]],
  ["asha, promotion", { name: "asha", resource, type: "promotion" }, ["paused", "resumed", "completed"]],
  ["sha", { name: "sha", resource }, ["paused", "resumed", "completed"]],
  ["hyperband, synchronous", { name: "hyperband", resource, type: "synchronous" }, ["paused", "resumed"]],
  ["median", { name: "median", resource, startup: 3 }, ["stopped", "completed"]],
];

const SEEDS = 6;

test.each(stories)(
  "%s: whoever dies, hangs or comes back too late, rungs and trials agree and the study ends",
  async (_, scheduler, expected) => {
    const sums = new Map<Counted, number>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const table = createMemoryTable();
      retryAtOnce(table.client);
      const story = { scheduler, trials: 20, workers: 4 };
      const { violations, counts } = await playLadder(seed, story, table);
      expect(violations, `seed ${seed}`).toEqual([]);
      for (const [what, count] of Object.entries(counts)) {
        sums.set(what as Counted, (sums.get(what as Counted) ?? 0) + count);
      }
    }
    for (const what of [...expected, "failed", "stale", "fault"] as const) {
      expect(sums.get(what), what).toBeGreaterThan(0);
    }
  },
  300_000,
);
