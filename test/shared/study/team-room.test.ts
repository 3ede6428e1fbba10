import { expect, test } from "vitest";
import { noticeSentence } from "../../../shared/sentences/notices.ts";
import { NOTHING_SPENT, type Reservation } from "../../../shared/store/spend.ts";
import { limitsOf, teamRoom, withoutTeamRoom } from "../../../shared/study/team-room.ts";

/** A GPU for up to an hour, half a dollar. */
const each: Reservation = { month: "2026-11", seconds: 3600, gpus: 1, vcpus: 2, micros: 500_000 };
const ENDLESS = Number.POSITIVE_INFINITY;

test("without limits there is room for everything", () => {
  expect(teamRoom({}, NOTHING_SPENT, each)).toEqual({ trials: ENDLESS, attempts: ENDLESS });
  expect(withoutTeamRoom({}, NOTHING_SPENT, each, true)).toBeNull();
});

test("there is room for what is neither spent nor set aside, and the tighter limit of money counts", () => {
  const spend = { ...NOTHING_SPENT, trials: 3, micros: 200_000, boundMicros: 700_000, boundGpuSeconds: 3600 };
  expect(teamRoom({ trials: 5, dollars: 2.2, gpuHours: 10 }, spend, each)).toEqual({
    trials: 2,
    attempts: 3,
  });
  expect(teamRoom({ dollars: 2.2, gpuHours: 2 }, spend, each)).toEqual({ trials: ENDLESS, attempts: 1 });
});

test("a limit that was lowered below what is spent leaves no room", () => {
  const spend = { ...NOTHING_SPENT, trials: 9, micros: 5_000_000, boundMicros: 5_000_000 };
  expect(teamRoom({ trials: 1, dollars: 1 }, spend, each)).toEqual({ trials: 0, attempts: 0 });
});

test("a limit of GPU hours does not bound attempts without GPUs", () => {
  const cpu = { ...each, gpus: 0 };
  expect(withoutTeamRoom({ gpuHours: 0.001 }, NOTHING_SPENT, cpu, true)).toBeNull();
});

test("the notice names the limit, what is spent and set aside, and by how much one attempt is too many", () => {
  const spend = { ...NOTHING_SPENT, micros: 9_250_000, boundMicros: 9_750_000 };
  const notice = withoutTeamRoom({ dollars: 10 }, spend, each, true);
  expect(notice).toEqual({
    kind: "team-budget",
    unit: "dollars",
    month: "2026-11",
    limit: 10,
    spent: 9.25,
    reserved: 0.5,
    each: 0.5,
  });
  expect(noticeSentence(notice!)).toContain(
    "budget of 10 dollars for 2026-11 has no room for another trial. 9.25 are spent and 0.5 set aside for trials that run, one may take 0.5: 0.25 too many.",
  );
});

test("a limit of trials holds up the first job of a trial only", () => {
  const spend = { ...NOTHING_SPENT, trials: 4 };
  expect(withoutTeamRoom({ trials: 4 }, spend, each, true)).toMatchObject({ unit: "trials" });
  expect(withoutTeamRoom({ trials: 4 }, spend, each, false)).toBeNull();
  // One of money holds up every job.
  expect(withoutTeamRoom({ trials: 4, dollars: 0.4 }, spend, each, false)).toMatchObject({ unit: "dollars" });
});

test("limits that a person writes are exact in the units that are counted", () => {
  expect(limitsOf({ dollars: 2.01, gpuHours: 1.1 })).toEqual({ micros: 2_010_000, gpuSeconds: 3960 });
  expect(2.01 * 1e6).toBeLessThan(2_010_000);
});
