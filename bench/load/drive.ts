import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../shared/numerics/random.ts";
import { pauseMs } from "../../shared/patience.ts";
import { valuesOf } from "./problem.ts";
import { type Call, poissonArrivals, type Sample } from "./statistics.ts";
import type { Answer, Leased, Target } from "./target.ts";

export interface Load {
  readonly target: Target;
  readonly workers: number;
  readonly seconds: number;
  /** Reports of a trial before its tell. */
  readonly reports: number;
  readonly random: Random;
}

/**
 * N workers, each of which asks, works for `thinkMs`, tells, and asks again: a slow service gets fewer requests.
 * @returns every request that was answered.
 */
export const closedLoop = async (load: Load, thinkMs: number): Promise<Sample[]> => {
  const run = startRun(load);
  const work = async (worker: string): Promise<void> => {
    await sleep(load.random.uniform() * Math.max(thinkMs, 200)); // not all in the same moment
    while (!run.isOver()) {
      const trial = await run.ask(worker);
      if (trial === null) continue;
      await sleep(thinkMs);
      await run.tell(trial);
    }
  };
  await Promise.all(names(load.workers).map(work));
  return run.samples;
};

/** A worker that waits for its next turn, with the trial that it works on; null if it got none. */
export interface Idle {
  readonly worker: string;
  readonly trial: Leased | null;
}

/** A trial for each worker, before an open loop. */
export const leaseAll = async (load: Omit<Load, "seconds">): Promise<Idle[]> => {
  const { ask } = startRun({ ...load, seconds: Number.POSITIVE_INFINITY });
  const idle: Idle[] = [];
  for (const worker of names(load.workers)) idle.push({ worker, trial: await ask(worker) });
  return idle;
};

/**
 * At every arrival of a Poisson process the worker that waits longest tells and asks again: a slow service gets as many
 * requests as a fast one, until all workers wait for it.
 * @param rate pairs of ask and tell a second.
 * @returns every request that was answered, the number of arrivals, and that of those that found no worker.
 */
export const openLoop = async (load: Load, rate: number, workers: readonly Idle[]) => {
  const idle = [...workers];
  const run = startRun(load);
  const pair = async ({ worker, trial }: Idle): Promise<void> => {
    if (trial !== null) await run.tell(trial);
    idle.push({ worker, trial: await run.ask(worker) });
  };
  const pairs: Promise<void>[] = [];
  let missed = 0;
  const arrivals = poissonArrivals(rate, load.seconds, () => load.random.uniform());
  for (const at of arrivals) {
    await sleep(Math.max(0, at - run.now()));
    const next = idle.shift();
    if (next === undefined) missed++;
    else pairs.push(pair(next));
  }
  await Promise.all(pairs);
  return { samples: run.samples, arrivals: arrivals.length, missed };
};

const names = (count: number) => Array.from({ length: count }, (_, i) => `worker-${i}`);

/** Clients that note every answer, and try again as those of this repository do. */
const startRun = ({ target, seconds, reports, random }: Load) => {
  const samples: Sample[] = [];
  const start = performance.now();
  const now = () => performance.now() - start;
  const isOver = () => now() >= seconds * 1000;

  /** Until it is answered with 200, or refused for good; null after the end of the run. */
  const insist = async <T>(call: Call, send: () => Promise<Answer<T>>): Promise<Answer<T> | null> => {
    for (let tries = 0; !isOver(); tries++) {
      const began = now();
      const answer = await send();
      const { status, retryAfter } = answer;
      samples.push({ call, began, ended: now(), status, hasRetryAfter: retryAfter !== null });
      if (status !== 0 && status !== 429 && status < 500) return answer;
      await sleep(pauseMs(tries, 1000 * (retryAfter ?? 0), () => random.uniform()));
    }
    return null;
  };

  return {
    samples,
    now,
    isOver,
    ask: async (worker: string): Promise<Leased | null> =>
      (await insist("ask", () => target.ask(worker)))?.body?.[0] ?? null,
    tell: async (trial: Leased): Promise<void> => {
      const values = valuesOf(trial.params);
      for (let step = 1; step <= reports; step++) {
        await insist("report", () => target.report(trial, step, values));
      }
      await insist("tell", () => target.tell(trial, values));
    },
  };
};
