import type { ListedTrials, OpenedWave } from "../../schemas/rounds.ts";
import { changeHead, whileStarted } from "../../store/head.ts";
import { changeTrial, newTrial, sameJob, type TrialItem } from "../../store/trial.ts";
import { mostTrialChanges } from "../../study/capacity.ts";
import { firstToRun } from "../../study/execution.ts";
import { queuedJob } from "../../study/job.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { isUnfinished, stateOf } from "../../study/state.ts";
import { commit, type Plan } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { foldIfDue } from "../core/fold.ts";
import { followUp } from "../core/follow-up.ts";
import { proposeTrials } from "../core/propose.ts";
import { CHUNK_TRIALS, type Chunk, chunksOf } from "./chunks.ts";
import { type HandedOver, planHandOver } from "./hand-over.ts";
import { findStarted, longestRun, type StartAddress, TRIES } from "./round.ts";

/** Generations after which another execution goes on: each adds up to 25 events to a history of at most 25,000. */
export const WAVES_PER_EXECUTION = 500;

/** What a step of opening a generation leads to; after some segments were drawn or queued, all is read again. */
type Step =
  | { readonly kind: "drawn" | "queued" | "ended" }
  | HandedOver
  | { readonly kind: "run"; readonly trials: number; readonly parallel: number };

const ENDED: Plan<Step> = { changes: [], answer: { kind: "ended" } };

/**
 * Opens a generation of population-based training: the segments that every run goes on with, drawn once all of the generation before
 * have ended. Opened again, it hands out those that have not ended yet.
 * @param begun how many generations the execution has begun.
 */
export const openWave = async (
  deps: ServiceDeps,
  address: StartAddress,
  begun: number,
): Promise<OpenedWave> => {
  // A generation that takes several transactions is drawn by one call; what a crash leaves out comes with the next one.
  let isDrawing = false;
  const plan = async (): Promise<Plan<Step>> => {
    const snapshot = await findInGenerations(deps, address);
    return snapshot === null ? ENDED : planWave(deps, snapshot, begun, isDrawing);
  };
  for (;;) {
    const step = await commit<Step>(deps, noRequest, plan, TRIES);
    switch (step.kind) {
      case "drawn":
        isDrawing = true;
        continue;
      case "queued":
        continue;
      case "run":
        return { chunks: chunksOf(step.trials, step.parallel), begun: begun + 1, done: false };
      case "handed-over":
        // Should this fail, the reconciler starts it.
        await followUp(deps, address.study, () => deps.workflow.start(step.execution));
        return { chunks: [], begun, done: true };
      case "ended":
        return { chunks: [], begun, done: true };
    }
  }
};

const planWave = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  begun: number,
  isDrawing: boolean,
): Promise<Plan<Step>> => {
  const { study, head, trials } = snapshot;
  const waiting = trials.filter(isUnfinished);
  const isOver = waiting.length === 0 && stateOf(snapshot) === "finished";
  if (begun >= WAVES_PER_EXECUTION && waiting.length === 0 && !isOver) return planHandOver(snapshot) ?? ENDED;
  if (waiting.length === 0 || isDrawing) {
    const drawn = await planDraw(deps, snapshot);
    if (drawn !== null) return drawn;
  }
  const toQueue = waiting.filter(({ job }) => job === null);
  if (toQueue.length > 0) {
    const job = queuedJob(deps.clock());
    return {
      guard: whileStarted(head),
      changes: toQueue.map((trial) =>
        changeTrial(trial, { job, attempt: trial.attempt + 1, reason: null }, sameJob(trial)),
      ),
      answer: { kind: "queued" },
    };
  }
  await foldIfDue(deps, study, snapshot);
  if (waiting.length === 0) return ENDED;
  return { changes: [], answer: { kind: "run", trials: waiting.length, parallel: head.parallel } };
};

/** More segments of the generation, one transaction of them; null when it is complete. */
const planDraw = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Plan<Step> | null> => {
  const { study, head } = snapshot;
  // While the study is paused they wait with the dispatcher, as those of rungs do.
  if (stateOf(snapshot) === "finished") return null;
  const { trials, exhausted } = await proposeTrials(deps, snapshot, mostTrialChanges(study.space));
  if (trials.length === 0) return null;
  const job = queuedJob(deps.clock());
  const created = trials.map((trial): TrialItem => ({ ...trial, attempt: 1, job }));
  return {
    changes: [
      changeHead(head, { next: head.next + created.length, exhausted }),
      ...created.map((trial) => newTrial(study.space, trial)),
    ],
    answer: { kind: "drawn" },
  };
};

/** The segments of a part that have not ended, as many as one execution runs. */
export const listWave = async (
  deps: ServiceDeps,
  address: StartAddress,
  { chunk, of }: Chunk,
): Promise<ListedTrials> => {
  const snapshot = await findInGenerations(deps, address);
  if (snapshot === null) return { trials: [], timeoutSeconds: 60 };
  const mine = snapshot.trials.filter(
    (trial) => isUnfinished(trial) && trial.job !== null && trial.number % of === chunk,
  );
  const trials = firstToRun(mine, CHUNK_TRIALS).map(({ number, attempt }) => ({ trial: number, attempt }));
  return { trials, timeoutSeconds: longestRun(snapshot.study) };
};

/** @returns null as `findStarted`, and for a study that runs in no generations. */
const findInGenerations = async (deps: ServiceDeps, address: StartAddress): Promise<Snapshot | null> => {
  const snapshot = await findStarted(deps, address);
  return snapshot?.study.scheduler.inGenerations === true ? snapshot : null;
};
