import { expect, test } from "vitest";
import { compare, table } from "../../../bench/fidelity/report.ts";
import type { FidelityResult } from "../../../bench/fidelity/results.ts";

const CAP = 10;

/** A simulation in which the losses were reached at these times, with two workers; the best known loss is 0, a typical one 1. */
const run = (
  searcher: string,
  losses: readonly (readonly [time: number, loss: number])[],
  more: Partial<FidelityResult> = {},
): FidelityResult => ({
  searcher,
  version: "1",
  problem: "mlp:smooth",
  workers: 2,
  seed: 0,
  cap: CAP,
  best: 0,
  typical: 1,
  trials: 4,
  jobs: 4,
  until: CAP,
  busy: 1,
  trace: losses.map(([time, loss]) => [time, 2 * time, loss]),
  seconds: 0.008,
  ended: "simulation",
  ...more,
});

const quick = run("quick", [
  [1, 0.5],
  [2, 0.05],
  [4, 0.005],
]);
const slow = run("slow", [
  [1, 0.09],
  [8, 0.01],
]);
const near = run("near", [[9, 0.02]]);
const far = run("far", [[1, 0.3]]);

test("who is within a hundredth of the best known loss first is ahead, then who came to the lowest loss", () => {
  const rows = compare([far, near, slow, quick], ["far", "near", "slow", "quick"]);
  expect(rows.map(({ searcher, rank }) => [searcher, rank])).toEqual([
    ["quick", 1],
    ["slow", 2],
    ["near", 3],
    ["far", 4],
  ]);
});

test("equal simulations share a rank", () => {
  const rows = compare([quick, { ...quick, searcher: "twin" }, far], ["quick", "twin", "far"]);
  expect(rows.map(({ rank }) => rank)).toEqual([1.5, 1.5, 3]);
});

test("a level that was not reached counts as the cap, and shows in the share", () => {
  const again = run("quick", [[3, 0.5]], { seed: 1 });
  const [row] = compare([quick, again], ["quick"]);
  expect(row?.share).toBe(0.5);
  expect(row?.times[0]).toBeCloseTo(Math.sqrt(2 * CAP));
  expect(row?.times[1]).toBeCloseTo(Math.sqrt(4 * CAP));
  expect(row?.resource).toBeCloseTo(Math.sqrt(8 * 2 * CAP));
});

test("only studies that all have run are compared", () => {
  const alone = run("quick", [[9, 0.001]], { problem: "sgd:forest" });
  const [row] = compare([quick, alone, slow], ["quick", "slow"]);
  expect(row?.studies).toBe(1);
  expect(compare([alone, slow], ["quick", "slow"])).toEqual([]);
});

test("the table says how many simulations were cut for their CPU time", () => {
  const cut = run("quick", [[1, 0.5]], { seed: 1, ended: "patience" });
  expect(table(compare([quick, cut], ["quick"]))).toMatch(/\| quick \| 1\.00 \| 50% \|.*\| 1 \| 2\.0 \|$/);
});
