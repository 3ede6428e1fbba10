import { CreateStudyBody } from "../../shared/schemas/study.ts";
import { addTrials } from "../../shared/service/trials/add.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { reportTrial } from "../../shared/service/trials/report.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import type { Params } from "../../shared/values.ts";
import { noReceipt } from "../../test/support/service.ts";
import { type MemoryStudy, openStudy } from "../memory-study.ts";
import type { Lines } from "../quality/lines.ts";

/** `asha` of the service itself, on a table in memory, with the trainings of `tuning.py serve`. */

const METRIC = "loss";

/** What a training came to. */
interface Trained {
  /** The least validation loss after any epoch, and the test loss there. */
  readonly val: number;
  readonly test: number;
  /** Of CPU, for what was asked; the epochs that are done in all. */
  readonly seconds: number;
  readonly epochs: number;
}

interface Problem {
  readonly space: SpaceDefinition;
  readonly start: Params;
  readonly epochs: number;
}

export interface Found {
  readonly val: number;
  readonly test: number;
  readonly seconds: number;
  readonly trials: number;
}

/**
 * @param algorithm chooses the configurations, the first of which is where self-tuning starts.
 * @param seconds of CPU that all trainings may take together; what the service computes is not counted.
 */
export const searchByAsha = async (
  trainings: Lines,
  { algorithm, seed, seconds }: { algorithm: string; seed: number; seconds: number },
): Promise<Found> => {
  const { space, start, epochs } = await trainings.request<Problem>({});
  const body = CreateStudyBody.parse({
    name: "asha",
    space,
    objectives: [{ metric: METRIC, direction: "minimize" }],
    algorithm: { name: algorithm, seed },
    scheduler: { name: "asha", resource: { name: "epoch", min: 1, max: epochs } },
    budget: { trials: 500, parallel: 1 },
  });
  const study = await openStudy(body, seed);
  await addTrials(study.deps, await study.load(), { trials: [{ params: start }] }, noReceipt);
  let found: Found = { val: Number.POSITIVE_INFINITY, test: Number.NaN, seconds: 0, trials: 0 };
  while (found.seconds < seconds) found = await oneTrial(study, trainings, found, { epochs, seconds });
  return found;
};

/** Asks for a trial and trains it until it ends, is paused, or the time is over. */
const oneTrial = async (
  { deps, load, turn }: MemoryStudy,
  trainings: Lines,
  before: Found,
  { epochs, seconds }: { epochs: number; seconds: number },
): Promise<Found> => {
  const { trials } = await askTrials(deps, await load(), { worker: "one", count: 1 }, noReceipt);
  const [trial] = trials;
  if (trial === undefined) throw new Error("The study has no trial left.");
  const { number, params, attempt } = trial;
  const end = trial.resource ?? epochs;
  let found = { ...before, trials: Math.max(before.trials, number + 1) };
  for (let { reportAt } = trial; ; ) {
    const to = reportAt ?? end;
    const left = seconds - found.seconds;
    const run = await trainings.request<Trained>({ trial: number, params, epochs: to, seconds: left });
    found = { ...found, seconds: found.seconds + run.seconds };
    if (run.val < found.val) found = { ...found, val: run.val, test: run.test };
    if (run.epochs < to) return found; // the time is over
    turn(1000 * found.seconds);
    const values = { [METRIC]: run.val };
    if (to === reportAt) {
      const report = { attempt, step: to, values };
      const { decision, ...next } = await reportTrial(deps, await load(), number, report, noReceipt);
      if (decision !== "continue") return found;
      reportAt = next.reportAt;
    }
    if (to >= end) {
      await tellTrial(deps, await load(), number, { attempt, values }, noReceipt);
      return found;
    }
  }
};
