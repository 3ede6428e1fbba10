import { expect, test } from "vitest";
import { enumerate } from "../support/crash-points.ts";
import { everyFault } from "../support/route-faults.ts";
import { soundness } from "../support/soundness.ts";
import { stepScenarios } from "../support/step-scenarios.ts";

const cases = Object.entries(stepScenarios).flatMap(([who, scenarios]) =>
  Object.entries(scenarios).map(([name, scenario]) => ({ who, name, scenario })),
);

const ONLY_READS: ReadonlySet<string> = new Set(["rounds: list", "rounds: folds", "rounds: wave-list"]);

test.each(cases)(
  "$who, $name: whichever call fails, it is done once",
  async ({ who, scenario }) => {
    const hits = await enumerate(scenario, everyFault, null, async ({ world }) => {
      expect(await soundness(world)).toEqual([]);
    });
    // Every other step changes something, some of them only what runs outside the table.
    if (!ONLY_READS.has(who)) expect(hits.get("crash-after")).toBeGreaterThan(0);
  },
  300_000,
);
