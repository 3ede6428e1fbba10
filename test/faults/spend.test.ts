import { expect, test } from "vitest";
import { playSchedule } from "../support/spend-schedules.ts";

/** With HONE_SCHEDULES=1000 as many are played; a run of the tests plays these. */
const SCHEDULES = Number(process.env.HONE_SCHEDULES ?? 20);
const STEPS = 60;

test("whatever is lost, killed, late or doubled, spend is the sum of the attempts and stays within the budgets but for one wave", async () => {
  const counts: Record<string, number> = {};
  const violations: string[] = [];
  for (let seed = 0; seed < SCHEDULES; seed++) {
    const outcome = await playSchedule(seed, STEPS);
    violations.push(...outcome.violations.map((violation) => `seed ${seed}: ${violation}`));
    for (const [what, count] of Object.entries(outcome.counts)) counts[what] = (counts[what] ?? 0) + count;
  }
  expect(violations).toEqual([]);
  const happened = ["lost", "told", "timed out", "month ended", "team extended", "study extended", "stopped"];
  for (const what of happened) expect(counts[what], what).toBeGreaterThan(0);
}, 900_000);
