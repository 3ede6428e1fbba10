import { expect, test } from "vitest";
import {
  isExpired,
  isLastAttempt,
  LEASE_EXPIRED,
  leaseEnd,
  lostAttempt,
  outOfAttempts,
} from "../../../shared/study/lease.ts";
import { jobOf, loadedStudy, NOON, trialOf } from "../../support/study.ts";

test("a lease is over at its last millisecond, not before", () => {
  const trial = trialOf({ leaseExpires: NOON });
  expect(isExpired(trial, NOON - 1)).toBe(false);
  expect(isExpired(trial, NOON)).toBe(true);
});

test("only a running trial with a lease can lose it", () => {
  expect(isExpired(trialOf({ leaseExpires: null }), NOON)).toBe(false);
  expect(isExpired(trialOf({ state: "queued", leaseExpires: NOON }), NOON)).toBe(false);
  expect(isExpired(trialOf({ state: "completed", leaseExpires: NOON }), NOON)).toBe(false);
});

test("a lease lasts as long as the study says", () => {
  expect(leaseEnd(loadedStudy({ lease: { seconds: 45, maxAttempts: 3 } }), NOON)).toBe(NOON + 45_000);
});

test("the last attempt is the one whose loss makes as many as the study allows", () => {
  const study = loadedStudy({ lease: { seconds: 60, maxAttempts: 3 } });
  expect(isLastAttempt(study, trialOf({ lost: 1 }))).toBe(false);
  expect(isLastAttempt(study, trialOf({ lost: 2 }))).toBe(true);
  // Attempts that a stopped study put back are not lost: the attempt's number does not decide.
  expect(isLastAttempt(study, trialOf({ attempt: 9, lost: 0 }))).toBe(false);
});

test("a lost attempt is recorded after the earlier ones, with its job", () => {
  const first = lostAttempt(trialOf(), "expired", LEASE_EXPIRED, NOON);
  expect(first).toEqual([
    { attempt: 1, end: "expired", reason: LEASE_EXPIRED, jobId: null, at: "2026-11-23T12:00:00.000Z" },
  ]);
  const second = trialOf({ attempt: 2, attempts: first, job: jobOf({ jobId: "job-2" }) });
  expect(lostAttempt(second, "interrupted", "gone", NOON + 1000)).toEqual([
    ...first,
    { attempt: 2, end: "interrupted", reason: "gone", jobId: "job-2", at: "2026-11-23T12:00:01.000Z" },
  ]);
});

test("a trial without attempts left fails, says how many were lost, and owns nothing any more", () => {
  expect(outOfAttempts(trialOf({ attempt: 3, lost: 2 }), "expired", LEASE_EXPIRED, NOON)).toMatchObject({
    state: "failed",
    reason: `All 3 attempts were lost; the last one: ${LEASE_EXPIRED}`,
    attempts: [{ attempt: 3, end: "expired" }],
    leaseExpires: null,
    finished: NOON,
  });
});
