import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Checkpoint,
  checkpointKey,
  checkpointName,
  isCollectable,
  isSuperseded,
  nextCheckpoint,
  readCheckpoint,
  readCheckpointKey,
} from "../../../shared/study/checkpoint.ts";
import { NOON, trialOf } from "../../support/study.ts";

const nonce = fc.stringMatching(/^[0-9a-f]{16}$/);
const checkpoint: fc.Arbitrary<Checkpoint> = fc.record({
  attempt: fc.integer({ min: 1, max: 1_000_000 }),
  order: fc.integer({ min: 0, max: NOON * 2 }),
  nonce,
});
const one = (attempt: number, order: number, end = "0"): Checkpoint => ({
  attempt,
  order,
  nonce: end.padStart(16, "0"),
});
const holding = (held: Checkpoint | null, change: Parameters<typeof trialOf>[0] = {}) =>
  trialOf({ checkpoint: held === null ? null : checkpointName(held), ...change });

test("a checkpoint is read back from its name and from its object's key", () => {
  fc.assert(
    fc.property(checkpoint, fc.nat({ max: 999_999_999 }), (each, trial) => {
      const object = { team: "acme", study: "svm-digits-7k2m", trial, checkpoint: each };
      expect(readCheckpoint(checkpointName(each))).toEqual(each);
      expect(readCheckpointKey(checkpointKey(object))).toEqual(object);
    }),
  );
});

test.each([
  null,
  "",
  "s3://bucket/hone:1-1-0123456789abcdef",
  "hone:1-1-0123456789ABCDEF",
  "hone:1-1-0123456789abcdef/../x",
  "hone:-1-1-0123456789abcdef",
])("%j is no checkpoint of Hone's", (text) => {
  expect(readCheckpoint(text)).toBeNull();
});

test.each([
  "checkpoints/",
  "checkpoints/acme/study/1",
  "other/acme/study/1/1-1-0123456789abcdef",
  "checkpoints/acme/study/1/1-1-0123456789abcdef/more",
])("the object %j is no checkpoint", (key) => {
  expect(readCheckpointKey(key)).toBeNull();
});

test("what is given after a commit comes after it, whatever the clock says", () => {
  fc.assert(
    fc.property(checkpoint, fc.integer({ min: 0, max: NOON * 2 }), nonce, (held, now, end) => {
      const trial = holding(held, { attempt: held.attempt });
      const next = nextCheckpoint(trial, now, end);
      expect(isSuperseded(trial, next)).toBe(false);
      expect(isSuperseded(holding(next, { attempt: next.attempt }), held)).toBe(true);
    }),
  );
});

test("what may be deleted can never be committed: it belongs to an attempt that is over, or is not after the one held", () => {
  const held = one(2, 5);
  const trial = holding(held, { attempt: 2 });
  const can = (each: Checkpoint) => isCollectable(trial, each);
  expect(can(held)).toBe(false);
  expect([one(1, 9), one(2, 4), one(2, 5, "f")].map(can)).toEqual([true, true, true]);
  expect([one(2, 6), one(3, 1)].map(can)).toEqual([false, false]);
});

test("the next attempt's trial keeps what it continues from, until it has committed one of its own", () => {
  const held = one(1, 5);
  expect(isCollectable(holding(held, { attempt: 2 }), held)).toBe(false);
  expect(isCollectable(holding(one(2, 1), { attempt: 2 }), held)).toBe(true);
});

test.each(["running", "queued", "paused"] as const)("a %s trial needs its checkpoint", (state) => {
  expect(isCollectable(holding(one(1, 5), { state }), one(1, 5))).toBe(false);
});

test.each(["completed", "pruned", "failed"] as const)(
  "nobody needs the checkpoint of a %s trial",
  (state) => {
    expect(isCollectable(holding(one(1, 5), { state }), one(1, 5))).toBe(true);
  },
);

test("nobody needs what belongs to no trial", () => {
  expect(isCollectable(null, one(1, 5))).toBe(true);
});

test("beside a place of the client's own, only what older attempts left is deleted", () => {
  const trial = trialOf({ checkpoint: "s3://mine/1", attempt: 2 });
  expect([one(1, 5), one(2, 5)].map((each) => isCollectable(trial, each))).toEqual([true, false]);
});
