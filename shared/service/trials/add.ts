import { BudgetSpent, invalid, StudyNotRunning, Unavailable } from "../../errors.ts";
import type { AddTrialsBody, AddTrialsReply } from "../../schemas/trial.ts";
import { validateConfiguration } from "../../space/validate.ts";
import { changeHead, type Head } from "../../store/head.ts";
import { RECEIPT } from "../../store/receipt.ts";
import { encodeSegment, MAX_SEGMENT_BYTES, newSegment } from "../../store/segment.ts";
import { type Change, ConditionFailed } from "../../store/store.ts";
import { newTrial, type TrialItem } from "../../store/trial.ts";
import { bestOf } from "../../study/best.ts";
import { judge } from "../../study/outcome.ts";
import { type LoadedStudy, stateOf } from "../../study/study.ts";
import { afterChange } from "../batch/after-end.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { once } from "../core/once.ts";
import { numbersLeft } from "../core/propose.ts";
import { readOpen, type Snapshot } from "../core/snapshot.ts";

/** Queued trials in one call; they and the receipt fit one transaction. */
const MAX_QUEUED = 90;
/** Imports of at least this many go to a segment at once, fewer to the tail. */
const SEGMENT_FROM = 50;
const MAX_TRIES = 12;

/** A trial as the client gave it, checked, without a number. */
type Given = Pick<TrialItem, "params" | "values" | "state" | "reason">;

/**
 * Enqueues configurations (without values), which the next asks hand out first, and imports finished trials (with
 * values), which the trial budget does not count.
 * @throws InvalidInput pointing into the body, BudgetSpent, StudyNotRunning.
 */
export const addTrials = (
  deps: ServiceDeps,
  study: LoadedStudy,
  body: AddTrialsBody,
  write: WriteContext,
): Promise<AddTrialsReply> =>
  once(deps, write, async (acknowledge) => {
    const given = body.trials.map((trial, i) => check(study, trial, `/trials/${i}`));
    const queued = given.filter((trial) => trial.state === "queued").length;
    if (queued > MAX_QUEUED) {
      throw invalid("/trials", `${queued} trials without values; enqueue at most ${MAX_QUEUED} in one call.`);
    }
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const snapshot = await readOpen(deps, study);
      refuseOverBudget(snapshot, queued);
      const trials = given.map((trial, i) => numbered(deps, snapshot.head, trial, i));
      const reply: AddTrialsReply = { trials: trials.map(({ number, state }) => ({ number, state })) };
      try {
        await deps.store.transact([...changesFor(snapshot, trials), ...acknowledge(reply)]);
      } catch (error) {
        if (!(error instanceof ConditionFailed) || error.names.has(RECEIPT)) throw error;
        await deps.store.pause(attempt);
        continue;
      }
      if (queued > 0) await afterChange(deps, study);
      return reply;
    }
    throw new Unavailable();
  });

const check = (study: LoadedStudy, trial: AddTrialsBody["trials"][number], pointer: string): Given => {
  const params = validateConfiguration(study.space, trial.params, `${pointer}/params`);
  if (trial.values === undefined) return { params, values: null, state: "queued", reason: null };
  const outcome = judge(study.spec, trial.values, `${pointer}/values`);
  return outcome.state === "completed"
    ? { params, values: outcome.values, state: "completed", reason: null }
    : { params, values: null, state: "failed", reason: outcome.reason };
};

const refuseOverBudget = (snapshot: Snapshot, queued: number): void => {
  if (queued === 0) return;
  const state = stateOf(snapshot);
  const { head } = snapshot;
  const left = head.trials - (head.next - head.imported);
  if (queued > left) {
    throw new BudgetSpent(`The budget leaves room for ${left} more trials, not ${queued}. Extend it first.`);
  }
  if (state === "finished" && numbersLeft(snapshot) === 0) {
    throw new StudyNotRunning("The study is finished: its search space holds nothing new.");
  }
};

const numbered = (deps: ServiceDeps, head: Head, trial: Given, i: number): TrialItem => {
  const now = deps.clock();
  const imported = trial.state !== "queued";
  return {
    ...trial,
    study: head.study,
    number: head.next + i,
    attempt: 0,
    lost: 0,
    seconds: 0,
    resource: null,
    worker: null,
    algorithm: imported ? "import" : "enqueue",
    why: imported ? "imported as finished" : "enqueued by the client",
    created: now,
    leaseExpires: null,
    finished: imported ? now : null,
    checkpoint: null,
    attempts: [],
    job: null,
  };
};

const changesFor = ({ study, head }: Snapshot, trials: readonly TrialItem[]): Change[] => {
  const finished = trials.filter((trial) => trial.state !== "queued");
  const counted = { next: head.next + trials.length, imported: head.imported + finished.length };
  if (finished.length < SEGMENT_FROM) return [changeHead(head, counted), ...trials.map(newTrial)];
  const bytes = encodeSegment(study.space, finished);
  if (bytes.length > MAX_SEGMENT_BYTES) {
    throw invalid(
      "/trials",
      "These trials are too large to import in one call. Send fewer at a time.",
      "too-large",
    );
  }
  const count = (state: TrialItem["state"]) => finished.filter((trial) => trial.state === state).length;
  const folded = head.foldedBest === "" ? [] : [{ ...JSON.parse(head.foldedBest), state: "completed" }];
  const [best] = study.spec.objectives.length === 1 ? bestOf(study.spec, [...folded, ...finished]) : [];
  return [
    changeHead(head, {
      ...counted,
      segments: head.segments + 1,
      foldedCompleted: head.folded.completed + count("completed"),
      foldedFailed: head.folded.failed + count("failed"),
      foldedBest: best === undefined ? "" : JSON.stringify(best),
    }),
    newSegment(study.id, head.segments, bytes),
    ...trials.filter((trial) => trial.state === "queued").map(newTrial),
  ];
};
