import { expect, test } from "vitest";
import type { Firing } from "../../../../shared/schemas/sweep.ts";
import { loadStudy } from "../../../../shared/service/core/load.ts";
import { createSweep } from "../../../../shared/service/sweeps/create.ts";
import { listFirings, readSweep } from "../../../../shared/service/sweeps/read.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { firesAt, shownMinutes } from "../../../support/cron-oracle.ts";
import { noReceipt, studyBody, TEAM } from "../../../support/service.ts";

/**
 * A year of a sweep by a simulated clock, with both changes of clocks. When the schedule delivers comes from an independent
 * reading of the cron expression, minute by minute; each delivery comes twice, half a minute late.
 */

/** Clocks change in a night to Sunday. */
const CRON = "30 2 ? * SUN *";
const [FROM, TO] = [Date.parse("2027-01-01T00:00:00Z"), Date.parse("2028-01-15T00:00:00Z")];
const LATE = 30_000;
const KEEP = 5;

const allFirings = async (world: MemoryWorld, sweep: string): Promise<Firing[]> => {
  const found: Firing[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await listFirings(world.process(), TEAM, sweep, cursor ? { cursor } : {});
    found.push(...page.firings);
    cursor = page.cursor;
  } while (cursor !== null);
  return found;
};

/** A client runs the one trial of the sweep's last study. */
const finishLast = async (world: MemoryWorld, sweep: string): Promise<void> => {
  const deps = world.process();
  const { firings } = await readSweep(deps, TEAM, sweep);
  const study = await loadStudy(deps, TEAM, firings.last?.study ?? "");
  const { trials } = await askTrials(deps, study, { count: 1 }, noReceipt);
  for (const { number, attempt } of trials)
    await tellTrial(deps, study, number, { attempt, values: { accuracy: 0.5 } }, noReceipt);
};

test.each(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])(
  "over a year in %s each Sunday has one study, and the sweep always says which is next",
  async (timezone) => {
    const nights = shownMinutes(timezone, FROM, TO)
      .filter(firesAt(CRON))
      .map(({ instant }) => instant);
    const world = await memoryWorld();
    world.clock.now = FROM;
    const template = studyBody({ name: "nightly", budget: { trials: 1 } });
    const body = { name: "nightly", schedule: { cron: CRON, timezone }, template, keep: KEEP };
    const { sweep } = await createSweep(world.process(), TEAM, body, noReceipt);
    const year = nights.slice(0, -1);
    for (const night of year) {
      const { next } = await readSweep(world.process(), TEAM, sweep);
      expect(next).toBe(new Date(night).toISOString());
      world.clock.now = night + LATE;
      const message = world.schedules.message(sweep, night);
      expect(await world.sweep([message, message])).toEqual([]);
      await finishLast(world, sweep);
    }
    const found = await allFirings(world, sweep);
    expect(found.map(({ firing }) => firing).reverse()).toEqual(
      year.map((night) => new Date(night).toISOString()),
    );
    expect(new Set(found.map(({ study }) => study)).size).toBe(year.length);
    expect(found.every(({ outcome }) => outcome === "created")).toBe(true);
    expect(found.filter(({ state }) => state === "finished")).toHaveLength(KEEP);
    expect(
      found.filter(({ state, best }) => state === "deleted" && best?.values.accuracy === 0.5),
    ).toHaveLength(year.length - KEEP);
  },
);
