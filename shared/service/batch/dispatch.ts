import { issueJobToken } from "../../auth/token.ts";
import { StudyNotFound } from "../../errors.ts";
import { sizeOf } from "../../executor/batch/size.ts";
import { DispatchMessage } from "../../schemas/message.ts";
import { isDispatchOn } from "../../store/dispatch-switch.ts";
import { changeHead, findHead, type Head, whileDispatching } from "../../store/head.ts";
import type { Change } from "../../store/store.ts";
import { changeTrial, findTrialItem, type Job, sameJob, type TrialItem } from "../../store/trial.ts";
import { pauseWithoutRoom, roomFor } from "../../study/budget.ts";
import { isActive, withWait } from "../../study/job.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { commit, type Plan, updateOnce } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { readSnapshot } from "../core/snapshot.ts";
import { planInfraFailure } from "./infra-failure.ts";
import { carryOut } from "./settle.ts";

/** Our messages have a few hundred bytes; anything longer is not ours. */
const MAX_BODY = 4096;
const TRIES = { tries: 5 };

/** A message as the queue gives it. */
export interface RawMessage {
  readonly id: string;
  readonly body: string;
}

/** What becomes of a message: it has served its purpose, or it comes back later. */
type Disposal = "done" | "again";

/** An attempt whose fence is set: this process alone submits it. */
interface Fenced {
  readonly head: Head;
  readonly trial: TrialItem;
  readonly job: Job;
  /** The bootstrap token of its container. */
  readonly token: string;
}

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

/** A faulty message does not affect the others. */
const handle = async (deps: ServiceDeps, body: string): Promise<Disposal> => {
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
 * Submits one attempt, once: the fence, a conditional write that only one process can make, comes before SubmitJob, which
 * is called a single time. What became of an unclear call the reconciler finds out by the job's name.
 * @throws Unavailable when others kept changing the trial.
 */
const dispatchAttempt = async (deps: ServiceDeps, message: DispatchMessage): Promise<Disposal> => {
  const study = await loadStudyById(deps, message.study);
  if (study === null) return "done";
  const plan = () => planFence(deps, study, message);
  const fenced = await commit<Fenced | null>(deps, noRequest, plan, TRIES);
  return fenced === null ? "done" : submit(deps, study, fenced);
};

const NOTHING: Plan<null> = { changes: [], answer: null };

const planFence = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  message: DispatchMessage,
): Promise<Plan<Fenced | null>> => {
  const [head, trial] = await Promise.all([
    findHead(deps.store, study.id),
    findTrialItem(deps.store, study, message.trial),
  ]);
  if (head === null || head.state === "deleting" || !head.started) return NOTHING;
  const isWaiting = trial?.state === "queued" && trial.attempt === message.attempt;
  if (trial === null || !isWaiting || trial.job?.phase !== "queued") {
    return passOn(deps, study, trial, message);
  }
  const guard = head.state === "paused" ? { now: [], fence: null } : await guardOf(deps, study, head);
  if (guard.fence === null) {
    return { changes: [...guard.now, ...keepWait(trial, message.taskToken)], answer: null };
  }
  const token = issueJobToken("bootstrap", trial.attempt, deps.randomBytes);
  const job: Job = {
    ...withWait(trial.job, message.taskToken),
    phase: "dispatching",
    since: deps.clock(),
    bootstrapHash: token.hash,
  };
  const patch = { state: "running" as const, leaseExpires: null, worker: null, reason: null, job };
  return {
    changes: [changeTrial(trial, patch, sameJob(trial)), guard.fence],
    answer: { head, trial: { ...trial, ...patch }, job, token: token.token },
  };
};

/** What must hold when the fence is set, or what is written instead. */
interface Guard {
  readonly fence: Change | null;
  readonly now: readonly Change[];
}

/**
 * The study must be started and not paused. With a limit of money the fence also commits on the head's revision, so that
 * no two attempts are dispatched on the same money; without room for this attempt there is no fence.
 * @param head as it was when it was checked: a later read may be of a study that was paused meanwhile.
 */
const guardOf = async (deps: ServiceDeps, study: LoadedStudy, head: Head): Promise<Guard> => {
  if (head.gpuHours === 0 && head.dollars === 0) return { fence: whileDispatching(study.id), now: [] };
  const snapshot = await readSnapshot(deps, study);
  const running = snapshot.trials.filter((trial) => trial.state === "running").length;
  const room = roomFor(study, snapshot.head, running);
  if (room.attempts > 0) return { fence: changeHead(head, {}), now: [] };
  // When nothing runs, nothing will leave room later.
  return { fence: null, now: running === 0 ? [pauseWithoutRoom(head, room)] : [] };
};

/** Keeps the token of the machine that waits for the attempt; the reconciler sends a held attempt again. */
const keepWait = (trial: TrialItem, taskToken: string | undefined): Change[] => {
  const job = trial.job && withWait(trial.job, taskToken);
  return job === trial.job ? [] : [changeTrial(trial, { job }, sameJob(trial))];
};

/**
 * The message's attempt does not wait for a job. If a state machine waits for it, it must get an answer: while the trial is
 * active its end will answer; a trial that has ended answers now, and so does one that waits for a start, so that the
 * machine opens the rung again and learns what to do.
 */
const passOn = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem | null,
  { attempt, taskToken }: DispatchMessage,
): Promise<Plan<null>> => {
  if (taskToken === undefined) return NOTHING;
  if (trial !== null && trial.job !== null && isActive(trial)) {
    return { changes: keepWait(trial, taskToken), answer: null };
  }
  const answered = await deps.workflow.resume(taskToken, { attempt, state: trial?.state ?? "folded" });
  deps.log("machine-sent-on", { study: study.id, trial: trial?.number ?? null, attempt, answered });
  return NOTHING;
};

const submit = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  { head, trial, job, token }: Fenced,
): Promise<Disposal> => {
  const { executor } = study.spec;
  if (executor.type !== "batch") return "done";
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
  const { kind } = submission;
  deps.log("submitted", {
    study: study.id,
    trial: trial.number,
    attempt: trial.attempt,
    outcome: kind,
    detail: kind === "accepted" ? submission.jobId : submission.detail,
  });
  const since = deps.clock();
  switch (kind) {
    case "accepted": {
      // A container that claimed already has written the job's id itself.
      const submitted: Job = { ...job, phase: "submitted", jobId: submission.jobId, since };
      await updateOnce(deps, changeTrial(trial, { job: submitted }, sameJob(trial)));
      return "done";
    }
    case "throttled": {
      // Nothing was submitted: the attempt waits again.
      const queued: Job = { ...job, phase: "queued", since, bootstrapHash: null };
      await updateOnce(deps, changeTrial(trial, { state: "queued", job: queued }, sameJob(trial)));
      return "again";
    }
    case "rejected":
      await carryOut(deps, planInfraFailure(deps, study, trial, submission.detail, { pause: true }));
      return "done";
    case "unclear":
      return "done";
  }
};
