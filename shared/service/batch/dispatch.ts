import { issueJobToken } from "../../auth/token.ts";
import { StudyNotFound } from "../../errors.ts";
import { sizeOf } from "../../executor/batch/size.ts";
import { DispatchMessage } from "../../schemas/message.ts";
import { changeHead, type Head, readHead } from "../../store/head.ts";
import { headKey, trialKey } from "../../store/keys.ts";
import { isDispatchOn } from "../../store/open.ts";
import { type Change, ConditionFailed } from "../../store/store.ts";
import { changeTrial, type Job, readTrialItem, sameJob, type TrialItem } from "../../store/trial.ts";
import { pauseWithoutRoom, roomFor } from "../../study/budget.ts";
import { isActive, withWait } from "../../study/job.ts";
import { type LoadedStudy, loadStudyById } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { readOpen } from "../core/snapshot.ts";
import { failInfra } from "./infra-failure.ts";

/** Our messages have a few hundred bytes; what is longer than this is not ours. */
const MAX_BODY = 4096;
const MAX_TRIES = 5;

/** A message as the queue gives it. */
export interface RawMessage {
  readonly id: string;
  readonly body: string;
}

/** What becomes of a message: it has served its purpose, or it comes back later. */
type Verdict = "done" | "again";

/**
 * Turns queued attempts into jobs. A message may come twice, late or out of order: the store decides, not the message.
 * @returns the ids of the messages that must come back.
 */
export const dispatchMessages = async (
  deps: ServiceDeps,
  messages: readonly RawMessage[],
): Promise<string[]> => {
  if (!(await isDispatchOn(deps.store))) return messages.map((message) => message.id);
  const again: string[] = [];
  for (const { id, body } of messages) {
    if ((await handle(deps, body)) === "again") again.push(id);
  }
  return again;
};

/** One message's fault is its own: its neighbours are handled. */
const handle = async (deps: ServiceDeps, body: string): Promise<Verdict> => {
  const message = parse(body);
  if (message === null) {
    deps.log("message-refused", { bytes: body.length });
    return "again";
  }
  try {
    return await dispatchAttempt(deps, message);
  } catch (error) {
    if (error instanceof StudyNotFound) return "done";
    const { study, trial, attempt } = message;
    const { name, message: text } = error instanceof Error ? error : { name: "unknown", message: "" };
    deps.log("dispatch-failed", { study, trial, attempt, error: name, message: text });
    return "again";
  }
};

const parse = (body: string): DispatchMessage | null => {
  if (body.length > MAX_BODY) return null;
  try {
    return DispatchMessage.safeParse(JSON.parse(body)).data ?? null;
  } catch {
    return null;
  }
};

/**
 * Submits one attempt, once: the fence, a conditional write that only one can make, comes before SubmitJob, which is
 * called a single time. What became of an unclear call the reconciler finds out by the job's name.
 */
export const dispatchAttempt = async (deps: ServiceDeps, message: DispatchMessage): Promise<Verdict> => {
  const study = await loadStudyById(deps, message.study);
  if (study === null) return "done";
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const [headItem, trialItem] = await Promise.all([
      deps.store.get(headKey(study.id)),
      deps.store.get(trialKey(study.id, message.trial)),
    ]);
    if (headItem === null) return "done";
    const head = readHead(study.id, headItem);
    if (head.state === "deleting" || !head.started) return "done";
    const trial = trialItem === null ? null : readTrialItem(study.id, trialItem);
    if (trial?.state !== "queued" || trial.job?.phase !== "queued" || trial.attempt !== message.attempt) {
      return passOn(deps, study, trial, message);
    }
    const token = issueJobToken("bootstrap", trial.attempt, deps.randomBytes);
    const job = withWait(trial.job, message.taskToken);
    const fenced: TrialItem = {
      ...trial,
      state: "running",
      job: { ...job, phase: "dispatching", since: deps.clock(), bootstrapHash: token.hash },
    };
    try {
      const guard = head.state === "paused" ? null : await guardOf(deps, study, head);
      if (guard === null) return await keepWait(deps, trial, message.taskToken);
      const patch = { state: fenced.state, leaseExpires: null, worker: null, reason: null, job: fenced.job };
      await deps.store.transact([changeTrial(trial, patch, sameJob(trial)), guard]);
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      await deps.store.pause(tries);
      continue;
    }
    return submit(deps, study, head, fenced, token.token);
  }
  return "again";
};

/**
 * What must still hold when the fence is set: the study is started and runs. With a limit of money the fence also
 * commits on the head's revision, so that no two attempts are let go on the same money.
 * @returns null when there is no money for this attempt now.
 */
const guardOf = async (deps: ServiceDeps, study: LoadedStudy, head: Head): Promise<Change | null> => {
  if (head.gpuHours === 0 && head.dollars === 0) {
    return {
      name: "head",
      key: headKey(study.id),
      check: true,
      when: {
        expression: "#started = :started AND #state = :state",
        values: { started: true, state: "running" },
      },
    };
  }
  const snapshot = await readOpen(deps, study);
  const running = snapshot.trials.filter((trial) => trial.state === "running").length;
  const room = roomFor(study, snapshot.head, running);
  if (room.attempts > 0) return changeHead(snapshot.head, {});
  // Nothing runs that might give money back.
  if (running === 0) await deps.store.transact([pauseWithoutRoom(snapshot.head, room)]);
  return null;
};

/** Keeps who waits for the attempt; nothing else is to be done now. A held attempt the reconciler sends again. */
const keepWait = async (
  deps: ServiceDeps,
  trial: TrialItem,
  taskToken: string | undefined,
): Promise<Verdict> => {
  const job = trial.job && withWait(trial.job, taskToken);
  if (job !== trial.job) await deps.store.update(changeTrial(trial, { job }, sameJob(trial)));
  return "done";
};

/**
 * The message's attempt is not waiting for a job. If a state machine waits for it, that must not be in vain: while the
 * trial is active its end will answer; one that is over answers now, and so does one that waits for a start, so that the
 * machine opens the rung again and learns what is to be done.
 */
const passOn = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem | null,
  { attempt, taskToken }: DispatchMessage,
): Promise<Verdict> => {
  if (taskToken === undefined) return "done";
  if (trial !== null && trial.job !== null && isActive(trial)) return keepWait(deps, trial, taskToken);
  const answered = await deps.rounds.resume(taskToken, { attempt, state: trial?.state ?? "folded" });
  deps.log("machine-sent-on", { study: study.id, trial: trial?.number ?? null, attempt, answered });
  return "done";
};

const submit = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  head: Head,
  trial: TrialItem,
  token: string,
): Promise<Verdict> => {
  const { executor } = study.spec;
  if (executor.type !== "batch" || trial.job === null) return "done";
  const submission = await deps.batch.submit({
    team: study.team,
    study: study.id,
    trial: trial.number,
    attempt: trial.attempt,
    definition: head.definition,
    gpus: sizeOf(executor).gpus,
    environment: {
      HONE_TEAM: study.team,
      HONE_STUDY: study.id,
      HONE_TRIAL: String(trial.number),
      HONE_ATTEMPT: String(trial.attempt),
      HONE_TOKEN: token,
    },
  });
  const { outcome } = submission;
  deps.log("submitted", {
    study: study.id,
    trial: trial.number,
    attempt: trial.attempt,
    outcome,
    detail: outcome === "accepted" ? submission.jobId : submission.reason,
  });
  switch (outcome) {
    case "accepted":
      await note(deps, trial, {
        ...trial.job,
        phase: "submitted",
        jobId: submission.jobId,
        since: deps.clock(),
      });
      return "done";
    case "throttled":
      await revert(deps, trial, trial.job);
      return "again";
    case "rejected":
      await failInfra(deps, study, trial, submission.reason, { pause: true });
      return "done";
    case "unclear":
      return "done";
  }
};

/** Keeps the job's id. A container that claimed already has written it itself. */
const note = async (deps: ServiceDeps, trial: TrialItem, job: Job): Promise<void> => {
  try {
    await deps.store.update(changeTrial(trial, { job }, sameJob(trial)));
  } catch (error) {
    if (!(error instanceof ConditionFailed)) throw error;
  }
};

/** Nothing was submitted: the attempt waits again. */
const revert = async (deps: ServiceDeps, trial: TrialItem, job: Job): Promise<void> => {
  const queued: Job = { ...job, phase: "queued", since: deps.clock(), bootstrapHash: null };
  try {
    await deps.store.update(changeTrial(trial, { state: "queued", job: queued }, sameJob(trial)));
  } catch (error) {
    if (!(error instanceof ConditionFailed)) throw error;
  }
};
