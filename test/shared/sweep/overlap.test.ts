import { expect, test } from "vitest";
import { OVERLAPS, planFiring } from "../../../shared/sweep/overlap.ts";

test.each(OVERLAPS)("with nothing before it a firing of the policy %s creates its study", (overlap) => {
  expect(planFiring({ overlap, manual: false, running: null, queued: null })).toEqual({ outcome: "created" });
});

test("a firing that overlaps is skipped, waits, or replaces", () => {
  const plan = (overlap: (typeof OVERLAPS)[number]) =>
    planFiring({ overlap, manual: false, running: "s1", queued: null });
  expect(plan("skip")).toEqual({ outcome: "skipped", reason: { kind: "overlaps", study: "s1" } });
  expect(plan("queue")).toEqual({ outcome: "queued", reason: { kind: "waits", study: "s1" } });
  expect(plan("replace")).toEqual({
    outcome: "replaced",
    stops: "s1",
    reason: { kind: "replaces", study: "s1" },
  });
});

test("one firing waits at most, and keeps its turn when the policy changes or its study is finished", () => {
  const skipped = { outcome: "skipped", reason: { kind: "one-waits", firing: "f1" } };
  for (const manual of [false, true]) {
    expect(planFiring({ overlap: "queue", manual, running: "s1", queued: "f1" })).toEqual(skipped);
    expect(planFiring({ overlap: "skip", manual, running: "s1", queued: "f1" })).toEqual(skipped);
  }
  for (const overlap of OVERLAPS)
    expect(planFiring({ overlap, manual: false, running: null, queued: "f1" })).toEqual(skipped);
});

test.each(OVERLAPS)(
  "by hand a firing of the policy %s goes before one that waits while nothing runs",
  (overlap) => {
    expect(planFiring({ overlap, manual: true, running: null, queued: "f1" })).toEqual({
      outcome: "created",
    });
  },
);
