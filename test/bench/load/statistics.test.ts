import { expect, test } from "vitest";
import { parseStat } from "../../../bench/load/cpu.ts";
import {
  latencyOf,
  pairsPerSecond,
  partitionPercent,
  poissonArrivals,
  refusedPercent,
  type Sample,
  statusesOf,
  within,
} from "../../../bench/load/statistics.ts";
import { createRandom } from "../../../shared/numerics/random.ts";

const sample = (change: Partial<Sample> = {}): Sample => ({
  call: "ask",
  began: 0,
  ended: 10,
  status: 200,
  hasRetryAfter: false,
  ...change,
});

test("latencies are those of answers with 200, in any order", () => {
  const samples = [3, 1, 2].map((ms) => sample({ began: 100, ended: 100 + ms }));
  const refused = sample({ status: 503, ended: 9000 });
  const tell = sample({ call: "tell", ended: 50 });
  expect(latencyOf([...samples, refused, tell], "ask")).toEqual({ p50: 2, p95: 3, p99: 3 });
});

test("throughput counts the tells that were answered within the window", () => {
  const tells = [900, 1000, 1999, 2000].map((ended) => sample({ call: "tell", ended }));
  const others = [sample({ ended: 1500 }), sample({ call: "tell", status: 503, ended: 1500 })];
  expect(pairsPerSecond([...tells, ...others], 1000, 2000)).toBe(2);
});

test("a window holds the requests that were sent in it", () => {
  const samples = [0, 5, 10].map((began) => sample({ began, ended: 20 }));
  expect(within(samples, 5, 10)).toEqual([samples[1]]);
});

test("an error that does not say when to try again is bare", () => {
  const answers: [number, boolean][] = [
    [200, false],
    [200, false],
    [429, true],
    [429, false],
    [500, false],
    [503, true],
    [0, false],
    [409, false],
  ];
  expect(statusesOf(answers.map(([status, hasRetryAfter]) => sample({ status, hasRetryAfter })))).toEqual({
    "200": 2,
    "409": 1,
    "429": 1,
    "429 bare": 1,
    "500 bare": 1,
    "503": 1,
    "0 bare": 1,
  });
  expect(refusedPercent([sample(), sample({ status: 503 })])).toBe(50);
});

test("a partition is as full as the fuller of its two limits", () => {
  expect(partitionPercent({ reads: 3000, writes: 100, lost: 0 }, 10)).toBeCloseTo(10);
  expect(partitionPercent({ reads: 0, writes: 1000, lost: 0 }, 2)).toBeCloseTo(50);
});

test("arrivals of a Poisson process rise, end in time, and come at the given rate with exponential gaps", () => {
  const random = createRandom(3);
  const arrivals = poissonArrivals(50, 400, () => random.uniform());
  const gaps = arrivals.map((at, i) => at - (arrivals[i - 1] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...arrivals)).toBeLessThan(400_000);
  expect(arrivals.length).toBeGreaterThan(0.97 * 20_000);
  expect(arrivals.length).toBeLessThan(1.03 * 20_000);
  // Of exponential gaps with a mean of 20 ms, a share of 1/e is longer than the mean.
  expect(gaps.filter((gap) => gap > 20).length / gaps.length).toBeCloseTo(Math.exp(-1), 1);
});

test("the CPU time of a process is read even if its name looks like the rest of the line", () => {
  const line = "42 (a (b) 1 2) S 7 42 42 0 -1 4194560 1 2 3 4 250 50 11 12 20 0 1 0 100 1 1";
  expect(parseStat(line)).toEqual({ pid: 42, parent: 7, name: "a (b) 1 2", seconds: 3, ended: 0.23 });
});
