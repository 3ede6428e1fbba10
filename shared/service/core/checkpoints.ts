import { invalid } from "../../errors.ts";
import type { CheckpointUrls, Download, Upload } from "../../schemas/trial.ts";
import type { Condition } from "../../store/store.ts";
import { isFinished, sameCheckpoint, type TrialItem, type TrialPatch } from "../../store/trial.ts";
import {
  type Checkpoint,
  checkpointKey,
  checkpointName,
  isHones,
  isSuperseded,
  NONCE_BYTES,
  nextCheckpoint,
  readCheckpoint,
} from "../../study/checkpoint.ts";
import { checkpointFor, mayBeParent } from "../../study/lineage.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { timestamp } from "../../study/view.ts";
import type { ServiceDeps } from "./deps.ts";
import { followUp } from "./follow-up.ts";

/** How long a URL may be used: an upload or download that has begun by then goes on. */
const URL_SECONDS = 3600;
/** S3 takes no larger object in one request. */
export const MAX_CHECKPOINT_BYTES = 5 * 1024 ** 3;

/** What writes the checkpoint that a client names into its trial. */
export interface Commitment {
  readonly patch: Pick<TrialPatch, "checkpoint">;
  /** Under which it is written. */
  readonly when?: Condition;
}

/**
 * Takes the checkpoint that a report, heartbeat or tell names: one of Hone's must have been uploaded, and only a later one
 * replaces it; a text of the client's own is kept as it is.
 * @param trial as it was read, which the named attempt owns.
 * @throws InvalidInput
 */
export const commitment = async (
  deps: Pick<ServiceDeps, "checkpoints">,
  study: LoadedStudy,
  trial: TrialItem,
  { checkpoint: name }: { readonly checkpoint?: string | undefined },
): Promise<Commitment> => {
  if (name === undefined) return { patch: {} };
  const patch = { checkpoint: name };
  if (!isHones(name) || name === trial.checkpoint) return { patch };
  const checkpoint = readCheckpoint(name);
  if (checkpoint === null || checkpoint.attempt !== trial.attempt) {
    throw invalid("/checkpoint", { kind: "checkpoint-unknown" });
  }
  if (isSuperseded(trial, checkpoint)) throw invalid("/checkpoint", { kind: "checkpoint-superseded" });
  if (!(await deps.checkpoints.exists(keyOf(study, trial, checkpoint)))) {
    throw invalid("/checkpoint", { kind: "checkpoint-missing" });
  }
  return { patch, when: sameCheckpoint(trial) };
};

const keyOf = (study: LoadedStudy, trial: TrialItem, checkpoint: Checkpoint): string =>
  checkpointKey({ team: study.team, study: study.id, trial: trial.number, checkpoint });

/** Where the running attempt of a trial uploads its next checkpoint. Nothing is written for it. */
export const uploadOf = async (deps: ServiceDeps, study: LoadedStudy, trial: TrialItem): Promise<Upload> => {
  const now = deps.clock();
  const nonce = Buffer.from(deps.randomBytes(NONCE_BYTES)).toString("hex");
  const checkpoint = nextCheckpoint(trial, now, nonce);
  return {
    checkpoint: checkpointName(checkpoint),
    method: "PUT",
    url: await deps.checkpoints.uploadUrl(keyOf(study, trial, checkpoint), URL_SECONDS),
    maxBytes: MAX_CHECKPOINT_BYTES,
    expires: timestamp(now + URL_SECONDS * 1000),
  };
};

/** Where the last committed checkpoint, or that of its parent, is downloaded; null when there is none, or none of Hone's. */
const downloadOf = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
): Promise<Download | null> => {
  const checkpoint = readCheckpoint(checkpointFor(trial));
  if (checkpoint === null) return null;
  const owner = trial.checkpoint === null && trial.origin !== undefined ? trial.origin.trial : trial.number;
  const key = checkpointKey({ team: study.team, study: study.id, trial: owner, checkpoint });
  return {
    url: await deps.checkpoints.downloadUrl(key, URL_SECONDS),
    expires: timestamp(deps.clock() + URL_SECONDS * 1000),
  };
};

/** Both, for the running attempt of a trial. */
export const checkpointUrls = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
): Promise<CheckpointUrls> => ({
  upload: await uploadOf(deps, study, trial),
  download: await downloadOf(deps, study, trial),
});

/**
 * Removes what a change of a trial has made useless: the checkpoint that a later one replaced, and that of a trial that has
 * ended and that no other goes on from. It never throws: what is left the reconciler collects.
 */
export const collectAfter = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  before: TrialItem,
  after: TrialItem,
): Promise<void> => {
  const held = readCheckpoint(before.checkpoint);
  const holds = readCheckpoint(after.checkpoint);
  const isReplaced = holds !== null && before.checkpoint !== after.checkpoint;
  const isOver = isFinished(after.state) && !mayBeParent(study, after);
  const useless = [...(isReplaced ? [held] : []), ...(isOver ? [holds] : [])];
  for (const checkpoint of useless) {
    if (checkpoint === null) continue;
    await followUp(deps, study.id, () => deps.checkpoints.remove(keyOf(study, after, checkpoint)));
  }
};
