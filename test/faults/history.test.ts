import { expect, test } from "vitest";
import { retryAtOnce } from "../support/faults.ts";
import { type Counted, counted, playHistory } from "../support/history.ts";
import { createMemoryTable } from "../support/memory-table/client.ts";

/** Histories that are always played, and those after which everything must have happened. */
const FEWEST = 6;
const MOST = 60;

test("whoever dies, hangs or comes back too late, a recorded history keeps the invariants", async () => {
  const sums = new Map<Counted, number>(counted.map((what) => [what, 0]));
  // What happens depends on who is quicker, too: histories go on until leases have expired, were taken over and were lost for good.
  const isMissing = () => [...sums.values()].includes(0);
  for (let seed = 0; seed < FEWEST || (isMissing() && seed < MOST); seed++) {
    const table = createMemoryTable();
    retryAtOnce(table.client);
    const { violations, counts } = await playHistory(seed, table);
    expect(violations, `seed ${seed}`).toEqual([]);
    for (const what of counted) sums.set(what, (sums.get(what) ?? 0) + counts[what]);
  }
  for (const [what, sum] of sums) expect(sum, what).toBeGreaterThan(0);
}, 300_000);
