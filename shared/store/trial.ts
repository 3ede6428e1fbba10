import type { AttemptRecord, Decision, TrialState } from "../schemas/trial.ts";
import type { Space } from "../space/space.ts";
import type { FiniteValues, Params } from "../values.ts";
import { toJson } from "./json.ts";
import { trialKey } from "./keys.ts";
import { packParams, unpackParams } from "./packed-params.ts";
import type { Reservation } from "./spend.ts";
import type { Change, Condition, Item, Store, Update } from "./store.ts";

/**
 * A trial, one item from its proposal or import until it is folded into a segment. It keeps its key when it ends, so a tell
 * writes one item only, and a number can never be handed out twice.
 */
export interface TrialItem {
  readonly study: string;
  readonly number: number;
  readonly state: TrialState;
  /** The fence: rises with every lease, 0 while the trial waits for its first. */
  readonly attempt: number;
  /** Attempts that were lost (expired or interrupted) since the trial last ran to an end. */
  readonly lost: number;
  /** How long its jobs have run, summed over its attempts, in whole seconds; 0 in a client study. */
  readonly seconds: number;
  readonly params: Params;
  readonly values: FiniteValues | null;
  /** How its objective changes with its parameters, as told; absent where it was not. */
  readonly gradients?: StoredGradients;
  /** How far it runs, or ran, in the scheduler's unit; null without a scheduler. */
  readonly resource: number | null;
  /** The rung that it runs in, or ran in last, and that rung's ladder; null without a ladder. */
  readonly bracket: number | null;
  readonly rung: number | null;
  /** Which run of which configuration it is; null in a study without an evaluation, and of an imported trial. */
  readonly run: Run | null;
  readonly worker: string | null;
  readonly algorithm: string;
  readonly why: string;
  readonly reason: string | null;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly leaseExpires: number | null;
  /** When its last attempt ended with a result, or the trial for good; milliseconds since 1970. */
  readonly finished: number | null;
  readonly checkpoint: string | null;
  /** The trial that it goes on from, with that one's checkpoint; absent for one that begins anew. */
  readonly origin?: Origin;
  /** What it came to at the rungs that recorded it, in their order: the metrics of its objectives and limits. */
  readonly curve: readonly CurvePoint[];
  /** How it compared at its last rung; null when it was never compared. */
  readonly decision: Decision | null;
  /** Attempts that ended without a result. */
  readonly attempts: readonly AttemptRecord[];
  readonly job: Job | null;
  /** A job was submitted for it: its team's trials count it. */
  readonly dispatched?: boolean;
  /** Jobs of attempts that have ended, which are not known to have ended themselves; absent when there are none. */
  readonly open?: readonly OpenRun[];
  /** Who reported or told in place of its job; absent where it did so itself. */
  readonly toldBy?: string;
}

/** The job of an attempt that has ended, until Batch reports its end. */
export interface OpenRun {
  readonly attempt: number;
  readonly jobId: string;
  /** When the attempt ended, milliseconds since 1970. */
  readonly at: number;
  /** How much of its run is charged so far. */
  readonly seconds: number;
  /** Its attempt ended by what the container told or reported: it should end by itself. Others were ended by Hone. */
  readonly told?: boolean;
  /** What was set aside for it, by which what it runs longer is charged. */
  readonly reserved?: Reservation;
}

/** What a history holds of a trial beside its point. */
export type TrialResult = Pick<
  TrialItem,
  | "number"
  | "state"
  | "values"
  | "gradients"
  | "resource"
  | "bracket"
  | "rung"
  | "curve"
  | "checkpoint"
  | "origin"
  | "run"
>;

/** Derivatives by numeric parameters, or by their positions on their scales. */
export interface StoredGradients {
  readonly space: "raw" | "transformed";
  readonly values: FiniteValues;
}

export interface Origin {
  readonly trial: number;
  /** Null where that one left none: only its point is gone on from. */
  readonly checkpoint: string | null;
}

/** One run of a configuration. */
export interface Run {
  /** The number of the configuration's first trial. */
  readonly configuration: number;
  /** Which of the study's runs, from 0. */
  readonly instance: number;
  /** The race it belongs to, from 1; left out where nothing races. */
  readonly iteration?: number;
}

export interface CurvePoint {
  readonly step: number;
  readonly values: FiniteValues;
}

/** How far the batch executor is with the current attempt. */
export interface Job {
  /**
   * queued: a message was or will be sent; dispatching: SubmitJob may have happened; submitted: it did; claimed: it runs; lingered: it
   * ran on for long after its attempt had ended, and that is counted.
   */
  readonly phase: "queued" | "dispatching" | "submitted" | "claimed" | "lingered";
  /** When the phase began, milliseconds since 1970. */
  readonly since: number;
  readonly jobId: string | null;
  /** SHA-256 (hex) of the token that may claim, and of the one that the claim was answered with. */
  readonly bootstrapHash: string | null;
  readonly tokenHash: string | null;
  readonly claimant: string | null;
  /** Task tokens of the state machines that wait for the attempt's end. */
  readonly taskTokens: readonly string[];
  /** What its attempt may use of the team's money: set aside while the trial runs, and how that is counted. */
  readonly reserved?: Reservation;
}

/** Of a study, what reading and writing its trials needs. */
export interface TrialOwner {
  readonly id: string;
  readonly space: Space;
}

/** As stored; `params` holds the JSON of trials written before they were packed. */
interface TrialFields {
  readonly state: TrialState;
  readonly attempt: number;
  readonly lost?: number;
  readonly seconds?: number;
  readonly packed?: Uint8Array;
  readonly params?: string;
  readonly values?: string;
  readonly gradients?: string;
  readonly resource?: string;
  readonly bracket?: number;
  readonly rung?: number;
  readonly run?: string;
  readonly worker?: string;
  readonly algorithm: string;
  readonly why: string;
  readonly reason?: string;
  readonly created: number;
  readonly leaseExpires?: number;
  readonly finished?: number;
  readonly checkpoint?: string;
  readonly origin?: string;
  readonly curve?: string;
  readonly decision?: string;
  readonly attempts?: string;
  readonly dispatched?: boolean;
  readonly open?: string;
  readonly toldBy?: string;
}

/** What of a trial may change after its creation; null removes. */
export type TrialPatch = Partial<
  Omit<TrialItem, "study" | "number" | "params" | "run" | "created" | "algorithm" | "why" | "origin">
>;

const openOf = ({ open = [] }: TrialPatch): string | undefined =>
  open.length === 0 ? undefined : JSON.stringify(open);

const written = (trial: TrialPatch): Record<string, string | number | boolean | undefined> => ({
  ...(trial.state !== undefined && { state: trial.state }),
  ...(trial.attempt !== undefined && { attempt: trial.attempt }),
  ...(trial.lost !== undefined && { lost: trial.lost === 0 ? undefined : trial.lost }),
  ...(trial.seconds !== undefined && { seconds: trial.seconds === 0 ? undefined : trial.seconds }),
  // JSON carries every finite double bit for bit (-0 reads back as 0); DynamoDB's numbers do not.
  ...(trial.values !== undefined && {
    values: trial.values === null ? undefined : toJson(trial.values),
  }),
  ...(trial.gradients !== undefined && { gradients: toJson(trial.gradients) }),
  ...(trial.resource !== undefined && {
    resource: trial.resource === null ? undefined : String(trial.resource),
  }),
  ...(trial.bracket !== undefined && { bracket: trial.bracket ?? undefined }),
  ...(trial.rung !== undefined && { rung: trial.rung ?? undefined }),
  ...(trial.worker !== undefined && { worker: trial.worker ?? undefined }),
  ...(trial.reason !== undefined && { reason: trial.reason ?? undefined }),
  ...(trial.leaseExpires !== undefined && { leaseExpires: trial.leaseExpires ?? undefined }),
  ...(trial.finished !== undefined && { finished: trial.finished ?? undefined }),
  ...(trial.checkpoint !== undefined && { checkpoint: trial.checkpoint ?? undefined }),
  ...(trial.curve !== undefined && {
    curve: trial.curve.length === 0 ? undefined : toJson(trial.curve),
  }),
  ...(trial.decision !== undefined && {
    decision: trial.decision === null ? undefined : toJson(trial.decision),
  }),
  ...(trial.attempts !== undefined && {
    attempts: trial.attempts.length === 0 ? undefined : JSON.stringify(trial.attempts),
  }),
  ...(trial.job !== undefined && { job: trial.job === null ? undefined : JSON.stringify(trial.job) }),
  ...(trial.dispatched && { dispatched: true }),
  ...(trial.open !== undefined && { open: openOf(trial) }),
  ...(trial.toldBy !== undefined && { toldBy: trial.toldBy }),
});

type Field = string | number | boolean;

const isPresent = (entry: [string, Field | undefined]): entry is [string, Field] => entry[1] !== undefined;

/** The name under which changes of a trial fail. */
export const TRIAL = "trial";

/** A trial that did not exist; fails under the name TRIAL when its number is taken. */
export const newTrial = (space: Space, trial: TrialItem): Change => ({
  name: TRIAL,
  key: trialKey(trial.study, trial.number),
  put: {
    packed: packParams(space, trial.params),
    created: trial.created,
    algorithm: trial.algorithm,
    why: trial.why,
    ...(trial.origin !== undefined && { origin: JSON.stringify(trial.origin) }),
    ...(trial.run !== null && { run: JSON.stringify(trial.run) }),
    ...Object.fromEntries(Object.entries(written(trial)).filter(isPresent)),
  },
  when: { expression: "attribute_not_exists(pk)" },
});

/**
 * A change of a trial by whoever owns its attempt; fails under the name TRIAL when the trial has moved on.
 * @param when a further condition beside the trial's state and attempt as they were read.
 */
export const changeTrial = (
  trial: Pick<TrialItem, "study" | "number" | "state" | "attempt">,
  patch: TrialPatch,
  when?: Condition,
): Change & { update: Update } => {
  const fields = Object.entries(written(patch));
  const own = "#state = :state AND #attempt = :attempt";
  return {
    name: TRIAL,
    key: trialKey(trial.study, trial.number),
    update: {
      set: Object.fromEntries(fields.filter(isPresent)),
      drop: fields.filter((entry) => !isPresent(entry)).map(([name]) => name),
    },
    when: {
      expression: when ? `${own} AND ${when.expression}` : own,
      values: { state: trial.state, attempt: trial.attempt, ...when?.values },
    },
  };
};

/**
 * A paused trial that goes on, folded or not: it is in the tail again, whole. That it goes on once is certain by the table of its
 * rung, which it leaves in the same transaction; fails under the name TRIAL when an item of its number has moved on.
 */
export const resumedTrial = (space: Space, paused: TrialItem, patch: TrialPatch): Change => ({
  // It has run already, and a segment does not say that a job of Hone's ran it.
  ...newTrial(space, { ...paused, ...patch, ...(patch.job != null && { dispatched: true }) }),
  when: {
    expression: "attribute_not_exists(pk) OR (#state = :state AND #attempt = :attempt)",
    values: { state: "paused", attempt: paused.attempt },
  },
});

/** Deletes a paused trial that a segment holds; fails under the name TRIAL when it has gone on. */
export const removePaused = ({ study, number, attempt }: TrialItem): Change => ({
  name: TRIAL,
  key: trialKey(study, number),
  remove: true,
  when: { expression: "#state = :state AND #attempt = :attempt", values: { state: "paused", attempt } },
});

/** The lease has expired and no heartbeat came between the read and the write. @param now milliseconds since 1970. */
export const leaseExpired = (now: number): Condition => ({
  expression: "#leaseExpires <= :now",
  values: { now },
});

/** The trial's job must be as it was read, to the byte. For steps that several parties may take at once. */
export const sameJob = (trial: Pick<TrialItem, "job">): Condition =>
  trial.job === null
    ? { expression: "attribute_not_exists(#job)" }
    : { expression: "#job = :job", values: { job: JSON.stringify(trial.job) } };

/** The same jobs of the trial must be open as when it was read. */
export const sameOpenRuns = (trial: Pick<TrialItem, "open">): Condition => {
  const open = openOf(trial);
  return open === undefined
    ? { expression: "attribute_not_exists(#open)" }
    : { expression: "#open = :open", values: { open } };
};

/** The trial must hold the checkpoint that it held when it was read. */
export const sameCheckpoint = ({ checkpoint }: TrialItem): Condition =>
  checkpoint === null
    ? { expression: "attribute_not_exists(#checkpoint)" }
    : { expression: "#checkpoint = :checkpoint", values: { checkpoint } };

/** A trial's number is in its key. */
export const trialNumber = ({ sk }: Item): number =>
  Number(String(sk).slice(String(sk).lastIndexOf("#") + 1));

export const readTrialItem = (space: Space, study: string, item: Item): TrialItem => {
  const fields = item as unknown as TrialFields;
  return {
    study,
    number: trialNumber(item),
    state: fields.state,
    attempt: fields.attempt,
    lost: fields.lost ?? 0,
    seconds: fields.seconds ?? 0,
    params: readParams(space, fields),
    values: fields.values === undefined ? null : (JSON.parse(fields.values) as FiniteValues),
    ...(fields.gradients !== undefined && {
      gradients: JSON.parse(fields.gradients) as StoredGradients,
    }),
    resource: fields.resource === undefined ? null : Number(fields.resource),
    bracket: fields.bracket ?? null,
    rung: fields.rung ?? null,
    run: fields.run === undefined ? null : (JSON.parse(fields.run) as Run),
    worker: fields.worker ?? null,
    algorithm: fields.algorithm,
    why: fields.why,
    reason: fields.reason ?? null,
    created: fields.created,
    leaseExpires: fields.leaseExpires ?? null,
    finished: fields.finished ?? null,
    checkpoint: fields.checkpoint ?? null,
    ...(fields.origin !== undefined && { origin: JSON.parse(fields.origin) as Origin }),
    curve: fields.curve === undefined ? [] : (JSON.parse(fields.curve) as CurvePoint[]),
    decision: fields.decision === undefined ? null : (JSON.parse(fields.decision) as Decision),
    attempts: fields.attempts === undefined ? [] : (JSON.parse(fields.attempts) as AttemptRecord[]),
    job: jobOf(item),
    ...(fields.dispatched && { dispatched: true }),
    ...(fields.open !== undefined && { open: openRunsOf(item) }),
    ...(fields.toldBy !== undefined && { toldBy: fields.toldBy }),
  };
};

const readParams = (space: Space, { packed, params }: TrialFields): Params =>
  packed === undefined ? (JSON.parse(params ?? "{}") as Params) : unpackParams(space, packed);

/** A trial that is not folded; null when there is none. */
export const findTrialItem = async (
  store: Store,
  study: TrialOwner,
  number: number,
): Promise<TrialItem | null> => {
  const item = await store.get(trialKey(study.id, number));
  return item === null ? null : readTrialItem(study.space, study.id, item);
};

/** The job of a trial that is not folded; null when it has none. For what knows no search space. */
export const findJob = async (store: Store, study: string, number: number): Promise<Job | null> =>
  jobOf(await store.get(trialKey(study, number)));

/** The job in an item as stored. */
export const jobOf = (item: Item | null): Job | null =>
  item?.job === undefined ? null : (JSON.parse(String(item.job)) as Job);

/** The jobs in an item as stored that are not known to have ended. */
export const openRunsOf = ({ open }: Item): OpenRun[] =>
  open === undefined ? [] : (JSON.parse(String(open)) as OpenRun[]);

export const isFinished = (state: TrialState): state is "completed" | "pruned" | "failed" =>
  state === "completed" || state === "pruned" || state === "failed";
