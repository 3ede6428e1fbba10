import { expect, test } from "vitest";
import { createWarm, segmentId } from "../../../../shared/service/core/warm.ts";

test("what a process keeps is its own, and bounded", () => {
  const one = createWarm();
  const other = createWarm();
  for (let i = 0; i < 1000; i++) one.fronts.set(`study-${i}`, { segments: i, trials: [] });
  expect(one.fronts.size).toBeLessThan(100);
  expect(other.fronts.size).toBe(0);
});

test("what was used last is kept, what was not used for longest is dropped first", () => {
  const { fronts } = createWarm();
  const room = fronts.maxSize;
  for (let i = 0; i < room; i++) fronts.set(`study-${i}`, { segments: i, trials: [] });
  fronts.get("study-0");
  fronts.set("one-more", { segments: 0, trials: [] });
  expect(fronts.get("study-0")).toBeDefined();
  expect(fronts.get("study-1")).toBeUndefined();
});

test("a segment has an id of its own in its study, whatever the study is called", () => {
  const ids = [segmentId("svm-1", 1), segmentId("svm", 11), segmentId("svm-1", 11), segmentId("svm", 1)];
  expect(new Set(ids).size).toBe(4);
});
