import fc from "fast-check";
import { expect, test } from "vitest";
import { retryAtOnce } from "../support/faults.ts";
import { counted, playHistory } from "../support/history.ts";
import { createMemoryTable } from "../support/memory-table/client.ts";

test("whoever dies, hangs or comes back too late, a recorded history keeps the invariants", async () => {
  const sums = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const table = createMemoryTable();
      retryAtOnce(table.client);
      const { violations, counts } = await playHistory(seed, table);
      expect(violations).toEqual([]);
      for (const what of counted) sums.set(what, (sums.get(what) ?? 0) + counts[what]);
    }),
    { numRuns: 6, seed: 42, endOnFailure: true },
  );
  // Leases expired, were taken over and were lost for good: the invariants do not hold because nothing happened.
  for (const what of counted) expect(sums.get(what), what).toBeGreaterThan(0);
}, 300_000);
