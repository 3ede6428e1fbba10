import { expect, test } from "vitest";
import { measure, resource } from "../../../bench/report/measure.ts";
import type { SchedulerChoice } from "../../../shared/scheduler/registry.ts";

const CALLS = 10;

test.each<[string, SchedulerChoice]>([
  ["none", { name: "none" }],
  ["median", { name: "median", resource }],
  ["asha, stopping", { name: "asha", resource }],
  ["asha, promotion", { name: "asha", resource, type: "promotion" }],
  ["pasha", { name: "pasha", resource }],
])("%s: a report costs the same after 2,000 trials and after 50,000", async (_, scheduler) => {
  const [small, large] = [await measure(scheduler, 2000, CALLS), await measure(scheduler, 50_000, CALLS)];
  for (const kind of ["plain", "deciding"] as const) {
    expect(large[kind].write, kind).toBe(small[kind].write);
    expect(large[kind].read, kind).toBe(small[kind].read);
  }
  expect(large.ask.write).toBe(small.ask.write);
});

test("a report that decides nothing costs two write units, its lease and its point", async () => {
  const { plain } = await measure({ name: "asha", resource }, 1000, CALLS);
  expect(plain.write).toBe(2);
});
