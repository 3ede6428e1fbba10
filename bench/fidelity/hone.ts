import { CreateStudyBody } from "../../shared/schemas/study.ts";
import type { LeasedTrial } from "../../shared/schemas/trial.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { reportTrial } from "../../shared/service/trials/report.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";
import type { Params } from "../../shared/values.ts";
import { noReceipt } from "../../test/support/service.ts";
import { openStudy } from "../memory-study.ts";
import type { Lines } from "../quality/lines.ts";
import type { Simulated } from "./results.ts";
import type { Outcome, Searcher, Task } from "./searchers.ts";

/** Hone's use cases on a table in memory, on the simulation's clock: whatever scheduler and algorithm a study names. */

const METRIC = "loss";
/** Milliseconds of the study's clock in a full run, so that no lease ends before its trial. */
const FULL_RUN_MS = 1000;
/** Answers between two looks at the CPU time, which cost as much as a tenth of an answer. */
const LOOKS = 32;

interface Opened {
  readonly space: SpaceDefinition;
  readonly steps: number;
  /** Full runs of a worker. */
  readonly cap: number;
}

interface Setting extends Opened {
  readonly workers: number;
  readonly seed: number;
}

/** What a simulation says: that a worker is free, what a trial's loss is, or how it ended. Times are in full runs. */
type Event =
  | { readonly ask: number; readonly time: number }
  | { readonly trial: number; readonly step: number; readonly loss: number; readonly time: number }
  | { readonly done: Simulated };

interface Job {
  readonly trial: number;
  readonly params: Params;
  readonly from: number;
  readonly to: number;
}

const bodyOf = ({ scheduler, type, algorithm }: HoneSetting, setting: Setting): CreateStudyBody => {
  const { space, steps, cap, workers, seed } = setting;
  const resource = { name: "step", min: 1, max: steps };
  const runs = Math.ceil(cap * workers) + workers;
  const allots = scheduler !== "none";
  return CreateStudyBody.parse({
    name: "fidelity",
    space,
    objectives: [{ metric: METRIC, direction: "minimize" }],
    algorithm: { name: algorithm, seed },
    ...(allots && { scheduler: { name: scheduler, resource, ...(type !== null && { type }) } }),
    // As many trials of one step as the time pays for, so that the time ends the simulation and not the budget.
    budget: { trials: allots ? runs * steps : runs, parallel: workers },
  });
};

/** Answers the questions of a simulation with a study's asks, reports and tells. */
const workersOf = (deps: ServiceDeps, load: () => Promise<LoadedStudy>, steps: number) => {
  const open = new Map<number, LeasedTrial>();
  const reached = new Map<number, number>();
  const endOf = (trial: LeasedTrial) => trial.resource ?? steps;
  const nextOf = (trial: LeasedTrial) => trial.reportAt ?? endOf(trial);
  return {
    ask: async (worker: number): Promise<Job | null> => {
      const reply = await askTrials(deps, await load(), { worker: `w${worker}`, count: 1 }, noReceipt);
      const [trial] = reply.trials;
      if (trial === undefined) return null;
      const { number, params } = trial;
      open.set(number, trial);
      return { trial: number, params, from: reached.get(number) ?? 0, to: nextOf(trial) };
    },
    report: async (number: number, step: number, loss: number): Promise<number | null> => {
      const trial = open.get(number);
      if (trial === undefined) throw new Error(`Trial ${number} is not running.`);
      reached.set(number, step);
      const { attempt } = trial;
      const values = { [METRIC]: loss };
      if (step === trial.reportAt) {
        const body = { attempt, step, values };
        const { decision, reportAt } = await reportTrial(deps, await load(), number, body, noReceipt);
        const next = { ...trial, reportAt };
        if (decision === "continue" && nextOf(next) > step) {
          open.set(number, next);
          return nextOf(next);
        }
        if (decision !== "continue") {
          open.delete(number);
          return null;
        }
      }
      await tellTrial(deps, await load(), number, { attempt, values }, noReceipt);
      open.delete(number);
      return null;
    },
  };
};

export interface HoneSetting {
  readonly scheduler: string;
  /** The scheduler's option of that name; null without it. */
  readonly type: string | null;
  readonly algorithm: string;
}

/** A study of the service itself, in this process. */
export const honeSearcher = (hone: HoneSetting, simulator: Lines): Searcher => ({
  run: async (task: Task, patience: number): Promise<Outcome> => {
    const { problem, workers, seed } = task;
    const opened = await simulator.request<Opened>({ do: "open", problem, workers });
    const setting = { ...opened, workers, seed };
    const study = await openStudy(bodyOf(hone, setting), seed);
    const { ask, report } = workersOf(study.deps, study.load, opened.steps);
    let answer: Job | number | null = null;
    const begin = process.cpuUsage();
    const spent = () => {
      const { user, system } = process.cpuUsage(begin);
      return (user + system) / 1e6;
    };
    for (let count = 0; ; count++) {
      const event: Event = await simulator.request<Event>({ do: "answer", answer });
      if ("done" in event) return { ...event.done, seconds: spent(), ended: "simulation" };
      study.turn(FULL_RUN_MS * event.time);
      answer = "ask" in event ? await ask(event.ask) : await report(event.trial, event.step, event.loss);
      if (count % LOOKS === 0 && spent() > patience) {
        const { done } = await simulator.request<{ done: Simulated }>({ do: "end" });
        return { ...done, seconds: spent(), ended: "patience" };
      }
    }
  },
  close: simulator.close,
});
