import { expect, test } from "vitest";
import { type BatchSpec, sizeOf } from "../../../../shared/executor/batch/size.ts";

const least: BatchSpec = { type: "batch", image: "trainer:1", command: ["train"] };

test("a study that says nothing of its size gets a small machine for four hours", () => {
  expect(sizeOf(least)).toEqual({ vcpus: 1, memoryMiB: 2048, gpus: 0, timeoutSeconds: 14_400 });
});

test("what the study says counts, in whole vCPUs", () => {
  const size = { memoryMiB: 512, gpus: 2, timeoutSeconds: 60 };
  expect(sizeOf({ ...least, ...size, vcpus: 0.25 })).toEqual({ ...size, vcpus: 1 });
  expect(sizeOf({ ...least, ...size, vcpus: 2.5 })).toEqual({ ...size, vcpus: 3 });
});
