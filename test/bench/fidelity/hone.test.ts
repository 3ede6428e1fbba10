import { expect, test } from "vitest";
import { type HoneSetting, honeSearcher } from "../../../bench/fidelity/hone.ts";
import type { Lines } from "../../../bench/quality/lines.ts";

const STEPS = 9;
const ROUNDS = 40;

interface Job {
  readonly trial: number;
  readonly params: { readonly x: number };
  readonly from: number;
  readonly to: number;
}

/** One worker whose losses fall with the steps, to a level that `x` decides; it keeps what it was told to do. */
const oneWorker = () => {
  const jobs: Job[] = [];
  let running: Job | null = null;
  let asked = 0;
  const done = { cap: 1, best: 0, typical: 1, trials: 0, jobs: 0, until: 1, busy: 1, trace: [] };
  const next = (answer: Job | number | null) => {
    if (typeof answer === "number" && running !== null)
      running = { ...running, from: running.to, to: answer };
    else running = answer as Job | null;
    if (running !== null) {
      jobs.push(running);
      const { trial, to, params } = running;
      return { trial, step: to, loss: params.x + 1 / to, time: asked };
    }
    return asked++ < ROUNDS ? { ask: 0, time: asked } : { done };
  };
  const request = async (body: object): Promise<unknown> => {
    const { do: what, answer } = body as { do: string; answer: Job | number | null };
    const space = { x: { type: "float", low: 0, high: 1 } };
    return what === "open" ? { space, steps: STEPS, cap: ROUNDS } : next(answer);
  };
  return { jobs, lines: { request, close: () => {} } as Lines };
};

const run = async (setting: Omit<HoneSetting, "algorithm">) => {
  const { jobs, lines } = oneWorker();
  const task = { searcher: "hone", problem: "p", workers: 1, seed: 1 };
  const outcome = await honeSearcher({ ...setting, algorithm: "random" }, lines).run(task, 60);
  expect(outcome.ended).toBe("simulation");
  return [...Map.groupBy(jobs, ({ trial }) => trial).values()].map((mine) =>
    mine.map(({ from, to }) => [from, to]),
  );
};

test("without a scheduler every trial runs to the end", async () => {
  const trials = await run({ scheduler: "none", type: null });
  expect(trials.length).toBe(ROUNDS);
  expect(new Set(trials.map((runs) => JSON.stringify(runs)))).toEqual(new Set([`[[0,${STEPS}]]`]));
});

test("a trial that asha does not stop goes on from rung to rung", async () => {
  const trials = await run({ scheduler: "asha", type: null });
  const ladder = [
    [0, 1],
    [1, 3],
    [3, STEPS],
  ];
  for (const runs of trials) expect(runs).toEqual(ladder.slice(0, runs.length));
  expect(new Set(trials.map((runs) => runs.length))).toEqual(new Set([1, 2, 3]));
});

test("a trial that was paused goes on from its checkpoint, after others", async () => {
  const trials = await run({ scheduler: "asha", type: "promotion" });
  expect(trials.length).toBeLessThan(ROUNDS);
  const climbed = trials.filter((runs) => runs.length > 1);
  expect(climbed.length).toBeGreaterThan(0);
  for (const runs of climbed)
    expect(runs.slice(0, 2)).toEqual([
      [0, 1],
      [1, 3],
    ]);
});
