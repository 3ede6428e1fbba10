import { expect, test } from "vitest";
import { closedLoop, leaseAll, openLoop } from "../../../bench/load/drive.ts";
import { inProcess, memoryTable } from "../../../bench/load/in-process.ts";
import { prepare, studyBody } from "../../../bench/load/problem.ts";
import type { Target } from "../../../bench/load/target.ts";
import { createRandom } from "../../../shared/numerics/random.ts";

const study = () =>
  inProcess(
    memoryTable(0, () => 0.5),
    studyBody({ name: "random", seed: 1 }),
  );

const load = (target: Target, seconds: number) => ({
  target,
  workers: 3,
  seconds,
  reports: 1,
  random: createRandom(1),
});

test("in a closed loop each worker asks, reports, tells, and asks again", async () => {
  const target = await study();
  await prepare(target, 300, 100);
  const samples = await closedLoop(load(target, 2), 10);
  const count = (call: string) => samples.filter((one) => one.call === call && one.status === 200).length;
  expect(samples.filter(({ status }) => status !== 200)).toEqual([]);
  expect(count("tell")).toBeGreaterThan(0);
  expect(count("report")).toBeGreaterThanOrEqual(count("tell"));
  expect(count("ask")).toBeGreaterThanOrEqual(count("tell"));
  const { ask, tell } = target.cost() ?? {};
  // The open trials are read by every ask, and by no tell.
  expect((ask?.reads ?? 0) / count("ask")).toBeGreaterThan(5);
  expect((tell?.reads ?? 0) / count("tell")).toBeLessThan(5);
  expect(tell?.writes).toBeGreaterThanOrEqual(count("tell"));
});

test("in an open loop pairs come at their rate, each begins with what its worker has to tell, and what finds no worker is missed", async () => {
  const target = await study();
  const idle = await leaseAll(load(target, 0));
  expect(new Set(idle.map(({ trial }) => trial?.number)).size).toBe(3);
  const { samples, arrivals, missed } = await openLoop(load(target, 2), 20, idle);
  expect(arrivals).toBeGreaterThan(20);
  expect(arrivals).toBeLessThan(65);
  expect(missed).toBeLessThan(arrivals);
  expect(samples[0]?.call).toBe("report");
  const stuck: Target = { ...target, tell: () => new Promise(() => {}) };
  const answer = await Promise.race([
    openLoop(load(stuck, 1), 50, idle),
    new Promise((end) => setTimeout(end, 1500, "stuck")),
  ]);
  expect(answer).toBe("stuck"); // three pairs never end; the arrivals after them are missed, not sent
});

test("a refused request is noted, and sent again when the answer says so", async () => {
  const target = await study();
  let asked = 0;
  const busy: Target = {
    ...target,
    ask: (worker) =>
      ++asked === 1 ? Promise.resolve({ status: 503, retryAfter: 0.2, body: null }) : target.ask(worker),
  };
  const samples = await closedLoop({ ...load(busy, 3), workers: 1 }, 0);
  const [refused, next] = samples.filter(({ call }) => call === "ask");
  expect(refused).toMatchObject({ status: 503, hasRetryAfter: true });
  expect(next?.status).toBe(200);
  expect((next?.began ?? 0) - (refused?.ended ?? 0)).toBeGreaterThanOrEqual(190);
});
