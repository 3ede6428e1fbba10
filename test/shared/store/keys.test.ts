import { expect, test } from "vitest";
import {
  activeBatchKey,
  deletionKey,
  headKey,
  hintKey,
  keyOf,
  receiptKey,
  reportKey,
  rungEntryKey,
  rungKey,
  segmentKey,
  specKey,
  switchKey,
  teamKey,
  teamMinuteKey,
  teamStudyKey,
  tokenKey,
  tokenOwnerKey,
  trialKey,
  UNFOLDED_RANGE,
} from "../../../shared/store/keys.ts";

const study = "svm-1";

test("no two items share a key", () => {
  const keys = [
    headKey(study),
    hintKey(study),
    specKey(study),
    trialKey(study, 1),
    trialKey(study, 10),
    segmentKey(study, 1),
    reportKey(study, 1, 1, 1),
    reportKey(study, 1, 1, 1.5),
    reportKey(study, 1, 2, 1),
    reportKey(study, 11, 1, 1),
    rungKey(study, 0, 11),
    rungKey(study, 0, 1),
    rungKey(study, 1, 1),
    rungEntryKey(study, 0, 1, 1),
    teamKey(study),
    tokenKey(study, "id"),
    tokenOwnerKey("id"),
    teamMinuteKey(study, 1),
    teamStudyKey(study, study),
    receiptKey("id"),
    activeBatchKey(study),
    deletionKey(study),
    switchKey,
  ];
  expect(new Set(keys.map(({ pk, sk }) => `${pk} ${sk}`)).size).toBe(keys.length);
});

test("what an ask reads lies together, the head first, then the hint, then the trials by number", () => {
  const read = [
    headKey(study),
    hintKey(study),
    trialKey(study, 9),
    trialKey(study, 10),
    trialKey(study, 99_999_999),
  ];
  const sorts = read.map(({ sk }) => sk);
  expect([...sorts].sort()).toEqual(sorts);
  for (const sk of sorts) expect(sk >= UNFOLDED_RANGE.from && sk <= UNFOLDED_RANGE.to).toBe(true);
  for (const { sk } of [segmentKey(study, 0), specKey(study)]) expect(sk > UNFOLDED_RANGE.to).toBe(true);
});

test("the key of an item that was read is its own", () => {
  expect(keyOf({ ...trialKey(study, 3), state: "running" })).toEqual(trialKey(study, 3));
});
