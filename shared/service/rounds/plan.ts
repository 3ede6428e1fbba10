import { MOST_MEMBERS } from "../../scheduler/rounds.ts";
import type { PlannedBracket, PlannedBrackets } from "../../schemas/rounds.ts";
import { changeHead } from "../../store/head.ts";
import { newTrial, type TrialItem } from "../../store/trial.ts";
import { mostTrialChanges } from "../../study/capacity.ts";
import { MOST_BRACKETS } from "../../study/execution.ts";
import { queuedJob } from "../../study/job.ts";
import { partAt } from "../../study/parts.ts";
import { placeOf } from "../../study/place.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { isUnfinished, trialsLeft, trialsUsed } from "../../study/state.ts";
import { commit, type Plan } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { foldIfDue } from "../core/fold.ts";
import { followUp } from "../core/follow-up.ts";
import { proposeTrials } from "../core/propose.ts";
import { type HandedOver, planHandOver } from "./hand-over.ts";
import {
  findRunning,
  LONGEST_EXECUTION,
  longestRun,
  type RunningStudy,
  type StartAddress,
  TRIES,
} from "./round.ts";

/** Where an execution is among the brackets of its study. */
export interface PlanAddress extends StartAddress {
  /** The first bracket that may run next. */
  readonly bracket: number;
  /** How many brackets this execution has begun. */
  readonly begun: number;
}

/** Brackets after which another execution goes on: each adds up to 25 events to a history of at most 25,000. */
export const BRACKETS_PER_EXECUTION = 500;
/** How long one call draws trials; the Lambda has 55 s, and what is left the next call draws. */
const DRAWING_MS = 20_000;

/**
 * Plans which brackets run next, side by side: as many as have a slot for each of their trials, in their order, and one at least,
 * which then has all slots. So no bracket waits for slots that another one holds, and the trials of a bracket that has to wait
 * are proposed when more is known. Draws the trials of those brackets.
 */
export const planBrackets = async (deps: ServiceDeps, address: PlanAddress): Promise<PlannedBrackets> => {
  const deadline = deps.clock() + DRAWING_MS;
  const { bracket, begun } = address;
  const nothing = { brackets: [], bracket, begun };
  const plan = async (): Promise<Plan<Step>> => {
    const running = await findRunning(deps, address);
    return running === null ? ENDED : planNext(deps, running, address);
  };
  for (;;) {
    const step = await commit<Step>(deps, noRequest, plan, TRIES);
    if (step.kind === "run") return { ...step.next, done: false };
    if (step.kind === "ended") return { ...nothing, done: true };
    if (step.kind === "handed-over") {
      // Should this fail, the reconciler starts it. A search of an outer fold its own machine starts.
      if (partAt(address.study) === null) {
        await followUp(deps, address.study, () => deps.workflow.start(step.execution));
      }
      return { ...nothing, done: true };
    }
    if (deps.clock() >= deadline) return { ...nothing, done: false };
  }
};

/** What one step of planning leads to; after some were drawn, all is read again. */
type Step =
  | { readonly kind: "drawn" | "ended" }
  | HandedOver
  | { readonly kind: "run"; readonly next: Omit<PlannedBrackets, "done"> };

const ENDED: Plan<Step> = { changes: [], answer: { kind: "ended" } };

const planNext = async (
  deps: ServiceDeps,
  running: RunningStudy,
  { bracket, begun }: PlanAddress,
): Promise<Plan<Step>> => {
  const { study, head } = running.snapshot;
  const brackets = nextBrackets(running, bracket);
  const last = brackets.at(-1);
  if (last === undefined) return ENDED;
  if (begun >= BRACKETS_PER_EXECUTION) return planHandOver(running.snapshot) ?? ENDED;
  const [, end] = running.rounds.brackets.range(last.bracket);
  const missing = Math.min(end - trialsUsed(head), trialsLeft(head));
  if (missing > 0) return planDraw(deps, running.snapshot, missing);
  await foldIfDue(deps, study, running.snapshot);
  const next = { brackets, bracket: last.bracket + 1, begun: begun + brackets.length };
  return { changes: [], answer: { kind: "run", next } };
};

const nextBrackets = ({ snapshot, rounds }: RunningStudy, from: number): PlannedBracket[] => {
  const { study, head, trials } = snapshot;
  const total = trialsUsed(head) + trialsLeft(head);
  const unfinished = new Set(
    trials.filter(isUnfinished).flatMap((trial) => placeOf(study, trial)?.bracket ?? []),
  );
  const found: { readonly bracket: number; readonly width: number }[] = [];
  let room = head.parallel;
  for (let bracket = from; bracket < rounds.brackets.count(total); bracket++) {
    const [begin, end] = rounds.brackets.range(bracket);
    const isBegun = trialsUsed(head) >= Math.min(end, total);
    if (isBegun && !unfinished.has(bracket)) continue;
    const width = Math.min(end, total) - begin;
    const isFull = width > room || found.length >= MOST_BRACKETS;
    if (found.length > 0 && isFull) break;
    found.push({ bracket, width });
    room -= width;
  }
  return found.map(({ bracket, width }) => {
    const runs = width * rounds.brackets.resources(bracket).length;
    return {
      bracket,
      parallel: found.length === 1 ? MOST_MEMBERS : width,
      timeoutSeconds: Math.min(LONGEST_EXECUTION, longestRun(study) * runs),
    };
  });
};

/** New trials, one transaction of them; they are in the brackets whose turn it is. */
const planDraw = async (deps: ServiceDeps, snapshot: Snapshot, missing: number): Promise<Plan<Step>> => {
  const { study, head } = snapshot;
  const wanted = Math.min(mostTrialChanges(study.space), missing);
  const { trials, exhausted } = await proposeTrials(deps, snapshot, wanted);
  const job = queuedJob(deps.clock());
  const created = trials.map((trial): TrialItem => ({ ...trial, attempt: 1, job }));
  // A machine does not wait for trials that may have to be tried again.
  const patch = { next: head.next + created.length, exhausted: exhausted || created.length === 0 };
  return {
    changes: [changeHead(head, patch), ...created.map((trial) => newTrial(study.space, trial))],
    answer: { kind: "drawn" },
  };
};
