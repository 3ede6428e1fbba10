import { issueJobToken } from "../../auth/token.ts";
import { StudyNotFound } from "../../errors.ts";
import { marketOf, sizeOf } from "../../executor/batch/size.ts";
import { type DispatchMessage, QueueMessage } from "../../schemas/message.ts";
import { type Reason, reasonSentence } from "../../sentences/reasons.ts";
import { isDispatchOn } from "../../store/dispatch-switch.ts";
import {
  changeHead,
  changeHeadUnspent,
  findHead,
  type Head,
  type HeadPatch,
  noteRunning,
  whileDispatching,
} from "../../store/head.ts";
import { type Reservation, reserve } from "../../store/spend.ts";
import type { Change } from "../../store/store.ts";
import { changeTrial, findTrialItem, type Job, sameJob, type TrialItem } from "../../store/trial.ts";
import { inFlightOf, pauseWithoutRoom, roomFor } from "../../study/budget.ts";
import { charge, reservationFor } from "../../study/charge.ts";
import { isActive, withWait } from "../../study/job.ts";
import { addressOf } from "../../study/nested.ts";
import { isHeldOpen } from "../../study/open-runs.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { limitsOf, withoutTeamRoom } from "../../study/team-room.ts";
import { commit, commitOnce, type Plan, updateOnce } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { readSnapshot } from "../core/snapshot.ts";
import { readTeamMoney } from "../core/team-money.ts";
import { awaitPart } from "./await-part.ts";
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
  const isOn = await isDispatchOn(deps.store);
  const again: string[] = [];
  for (const { id, body } of messages) {
    if ((await handle(deps, body, isOn)) === "again") again.push(id);
  }
  return again;
};

/**
 * A faulty message does not affect the others.
 * @param isOn whether jobs may be submitted; that a machine waits is noted all the same.
 */
const handle = async (deps: ServiceDeps, body: string, isOn: boolean): Promise<Disposal> => {
  const message = parse(body);
  if (message === null) {
    deps.log("message-refused", { bytes: body.length });
    return "again";
  }
  try {
    if ("trial" in message) return isOn ? await dispatchAttempt(deps, message) : "again";
    await awaitPart(deps, message);
    return "done";
  } catch (error) {
    if (error instanceof StudyNotFound) return "done";
    const { taskToken, version, ...what } = message;
    const { name, message: text } = error instanceof Error ? error : { name: "unknown", message: "" };
    deps.log("dispatch-failed", { ...what, error: name, message: text });
    return "again";
  }
};

const parse = (body: string): QueueMessage | null => {
  if (body.length > MAX_BODY) return null;
  try {
    return QueueMessage.safeParse(JSON.parse(body)).data ?? null;
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
  // What comes after an attempt that was told waits until that one's job has ended, whose end sends it again.
  if (isHeldOpen(trial)) return { changes: keepWait(trial, message.taskToken), answer: null };
  const reserved = reservationFor(study, deps.clock());
  if (reserved === null) return NOTHING;
  const guard = head.state === "paused" ? HELD : await guardOf(deps, study, head, trial, reserved);
  if (guard.fences.length === 0) {
    return { changes: [...guard.now, ...keepWait(trial, message.taskToken)], answer: null };
  }
  const token = issueJobToken("bootstrap", trial.attempt, deps.randomBytes);
  const job: Job = {
    ...withWait(trial.job, message.taskToken),
    phase: "dispatching",
    since: deps.clock(),
    bootstrapHash: token.hash,
    reserved,
  };
  const patch = {
    state: "running" as const,
    leaseExpires: null,
    worker: null,
    reason: null,
    job,
    dispatched: true,
  };
  return {
    changes: [changeTrial(trial, patch, sameJob(trial)), ...guard.fences],
    answer: { head, trial: { ...trial, ...patch }, job, token: token.token },
  };
};

/** What must hold when the fence is set and is written with it, or what is written instead. */
interface Guard {
  /** None when there must be no fence now. */
  readonly fences: readonly Change[];
  readonly now: readonly Change[];
}

const HELD: Guard = { fences: [], now: [] };

/**
 * The study must be started and not paused. With a limit of money the fence also commits on the head's revision and on what was spent, so
 * that no two attempts are dispatched on the same money; without room for this attempt there is no fence.
 * @param head as it was when it was checked: a later read may be of a study that was paused meanwhile.
 */
const guardOf = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  head: Head,
  trial: TrialItem,
  reserved: Reservation,
): Promise<Guard> => {
  const isLimited = head.gpuHours > 0 || head.dollars > 0;
  const snapshot = isLimited ? await readSnapshot(deps, study) : null;
  if (snapshot !== null) {
    const inFlight = inFlightOf(study, snapshot.trials, ({ state }) => state === "running");
    const room = roomFor(study, snapshot.head, inFlight);
    // When nothing runs, nothing will leave room later.
    if (room.attempts === 0)
      return { fences: [], now: inFlight.jobs === 0 ? [pauseWithoutRoom(head, room)] : [] };
  }
  const { budget, spend } = await readTeamMoney(deps.store, study.team, reserved.month);
  const isFirst = trial.dispatched !== true;
  const isHeld = head.notice?.kind === "team-budget";
  const short = withoutTeamRoom(budget, spend, reserved, isFirst);
  if (short !== null) {
    const isNoted = isHeld && JSON.stringify(head.notice) === JSON.stringify(short);
    // The attempt stays queued; the reconciler sends it again when there is room.
    return { fences: [], now: isNoted ? [] : [noteRunning(head.study, short, false)] };
  }
  return {
    fences: [
      fenceOn(head, snapshot, isHeld ? { notice: null } : {}),
      reserve(study.team, reserved, isFirst, limitsOf(budget)),
    ],
    now: [],
  };
};

/** @param snapshot of a study with a limit of money. */
const fenceOn = (head: Head, snapshot: Snapshot | null, patch: HeadPatch): Change => {
  if (snapshot !== null) return changeHeadUnspent(head, patch, snapshot.head);
  return Object.keys(patch).length > 0 ? changeHead(head, patch) : whileDispatching(head.study);
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

/** Why AWS refused a job, as far as its texts are known; they are in the log. */
const whyRefused = (detail: string): Reason => {
  if (/AccessDenied|NotAuthorized/.test(detail)) return { kind: "access-refused" };
  if (/(job ?(queue|definition)).*(not exist|not active|not found|disabled)/i.test(detail))
    return { kind: "definition-refused" };
  return { kind: "job-refused" };
};

const submit = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  { head, trial, job, token }: Fenced,
): Promise<Disposal> => {
  const { executor } = study.spec;
  if (executor.type !== "batch") return "done";
  const address = addressOf(study, trial.number);
  const submission = await deps.batch.submit({
    team: study.team,
    ...address,
    attempt: trial.attempt,
    definition: head.definition,
    gpus: sizeOf(executor).gpus,
    market: marketOf(executor),
    labels: study.spec.labels,
    environment: {
      HONE_TEAM: study.team,
      HONE_STUDY: address.study,
      HONE_TRIAL: String(address.trial),
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
      const { reserved, ...rest } = job;
      const queued: Job = { ...rest, phase: "queued", since, bootstrapHash: null };
      await commitOnce(deps, [
        changeTrial(trial, { state: "queued", job: queued }, sameJob(trial)),
        ...charge(study, trial, 0, since),
      ]);
      return "again";
    }
    case "rejected":
      await carryOut(
        deps,
        planInfraFailure(deps, study, trial, reasonSentence(whyRefused(submission.detail)), { pause: true }),
      );
      return "done";
    case "unclear":
      return "done";
  }
};
