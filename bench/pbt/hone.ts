import { CreateStudyBody } from "../../shared/schemas/study.ts";
import type { LeasedTrial } from "../../shared/schemas/trial.ts";
import { findTrial } from "../../shared/service/core/find-trial.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import type { Params } from "../../shared/values.ts";
import { noReceipt } from "../../test/support/service.ts";
import { openStudy } from "../memory-study.ts";
import type { Lines } from "../quality/lines.ts";
import { type Losses, type Outcome, outcomeOf, type Task } from "./outcome.ts";

/**
 * Hone's population-based training: a study's asks and tells on a table in memory and in simulated time, each worker training one
 * segment after another. A killed worker is never heard of again: its trial waits until its lease has expired, and a new worker asks.
 */

const METRIC = "loss";
/** Longer than any segment. */
const LEASE_SECONDS = 90;
/** Until a worker that was given nothing asks again. */
const PAUSE_SECONDS = 10;
const MS = 1000;

export interface PbtOptions {
  readonly selection?: "tournament" | "truncation";
  readonly explore?: "perturb" | "bandit";
}

/** A segment to train, of the network's process. */
export interface Training {
  readonly do: "train";
  readonly name: string;
  readonly parent: string | null;
  readonly settings: Params;
  readonly epochs: number;
  /** The member of the population, from 0. */
  readonly member: number;
  /** Epochs before the segment. */
  readonly done: number;
}

export interface Trained extends Losses {
  readonly seconds: number;
  readonly killed: boolean;
}

const bodyOf = (space: SpaceDefinition, options: PbtOptions, task: Task): CreateStudyBody => {
  const { population, epochs, segment, seed } = task;
  return CreateStudyBody.parse({
    name: "pbt",
    space,
    executor: { type: "client" },
    objectives: [{ metric: METRIC, direction: "minimize" }],
    algorithm: { name: "pbt", population, seed, ...options },
    scheduler: { resource: { name: "epoch", min: segment, max: epochs } },
    budget: { trials: (population * epochs) / segment, parallel: population },
    lease: { seconds: LEASE_SECONDS },
  });
};

/** A worker that is free at a time, in simulated seconds, with the trial that it has trained until then, if there is one. */
interface Worker {
  readonly name: string;
  readonly time: number;
  readonly job: { readonly trial: LeasedTrial; readonly trained: Trained } | null;
}

export const honeSearch = async (
  space: SpaceDefinition,
  options: PbtOptions,
  task: Task,
  network: Lines,
): Promise<Outcome> => {
  const { population, segment, epochs } = task;
  const { deps, load, turn } = await openStudy(bodyOf(space, options, task), task.seed);
  const found: Losses[] = [];
  let [lost, ended, started] = [0, 0, population];

  const train = async (trial: LeasedTrial): Promise<Trained> => {
    const { bracket } = await findTrial(deps, await load(), trial.number);
    return network.request<Trained>({
      do: "train",
      name: `${trial.number}`,
      parent: trial.checkpoint,
      settings: trial.params,
      epochs: segment,
      member: bracket ?? trial.number,
      done: trial.resumesAt ?? 0,
    } satisfies Training);
  };

  /** What a worker does once its segment is trained, or it was killed. @returns the worker that takes its place. */
  const finish = async ({ name, time, job }: Worker): Promise<Worker> => {
    if (job === null) return { name, time, job };
    const { trial, trained } = job;
    if (trained.killed) {
      lost += segment;
      return { name: `w${started++}`, time, job: null };
    }
    const { number, attempt } = trial;
    const values = { [METRIC]: trained.valid };
    await tellTrial(deps, await load(), number, { attempt, values, checkpoint: `${number}` }, noReceipt);
    found.push(trained);
    if ((trial.resource ?? 0) >= epochs) ended++;
    return { name, time, job: null };
  };

  /** @returns null once the study has finished. */
  const ask = async ({ name, time }: Worker): Promise<Worker | null> => {
    const { trials, state } = await askTrials(deps, await load(), { worker: name, count: 1 }, noReceipt);
    const [trial] = trials;
    if (trial === undefined)
      return state === "running" ? { name, time: time + PAUSE_SECONDS, job: null } : null;
    const trained = await train(trial);
    return { name, time: time + trained.seconds, job: { trial, trained } };
  };

  let workers: Worker[] = Array.from({ length: population }, (_, i) => ({
    name: `w${i}`,
    time: 0,
    job: null,
  }));
  while (workers.length > 0) {
    const first = workers.reduce((a, b) => (b.time < a.time ? b : a));
    turn(MS * first.time);
    const next = await ask(await finish(first));
    workers = [...workers.filter((worker) => worker !== first), ...(next === null ? [] : [next])];
  }
  return outcomeOf(found, { lost, ended, finished: true });
};
