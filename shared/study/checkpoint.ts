import { CHECKPOINTS } from "../deployment.ts";
import { isFinished, type TrialItem } from "../store/trial.ts";

/**
 * Checkpoints that Hone keeps. Each upload has a checkpoint of its own, so that no late upload of a lost attempt replaces
 * what another attempt continues from. A trial holds the last one that was committed, as the text `hone:1-1764158400000-…`;
 * any other text is a place of the client's own, which Hone only hands on.
 */
export interface Checkpoint {
  /** The attempt that it was given to; only this one may commit it. */
  readonly attempt: number;
  /** When it was given, in milliseconds since 1970, or later: larger than that of the one committed before. */
  readonly order: number;
  /** Tells those apart that were given in the same millisecond. */
  readonly nonce: string;
}

/** The object of a checkpoint, as its key says. */
export interface CheckpointObject {
  readonly team: string;
  readonly study: string;
  readonly trial: number;
  readonly checkpoint: Checkpoint;
}

const PREFIX = "hone:";
const FORM = String.raw`(\d{1,7})-(\d{1,16})-([0-9a-f]{16})`;
const NAME = new RegExp(`^${PREFIX}${FORM}$`);
const KEY = new RegExp(String.raw`^${CHECKPOINTS}([^/]+)/([^/]+)/(\d{1,9})/${FORM}$`);

/** Bytes of randomness in a nonce. */
export const NONCE_BYTES = 8;

/** Prefix of the objects of a study. */
export const checkpointsOf = (study: { readonly team: string; readonly id: string }): string =>
  `${CHECKPOINTS}${study.team}/${study.id}/`;

/** Whether a text is meant to be a checkpoint of Hone's. */
export const isHones = (text: string): boolean => text.startsWith(PREFIX);

const read = (match: readonly string[]): Checkpoint => {
  const [attempt = "", order = "", nonce = ""] = match;
  return { attempt: Number(attempt), order: Number(order), nonce };
};

/** The checkpoint that a trial, a report or a tell names; null when it names none of Hone's. */
export const readCheckpoint = (text: string | null): Checkpoint | null => {
  const match = NAME.exec(text ?? "");
  return match === null ? null : read(match.slice(1));
};

const formOf = ({ attempt, order, nonce }: Checkpoint): string => `${attempt}-${order}-${nonce}`;

export const checkpointName = (checkpoint: Checkpoint): string => `${PREFIX}${formOf(checkpoint)}`;

export const checkpointKey = ({ team, study, trial, checkpoint }: CheckpointObject): string =>
  `${CHECKPOINTS}${team}/${study}/${trial}/${formOf(checkpoint)}`;

/** Null for an object that is no checkpoint. */
export const readCheckpointKey = (key: string): CheckpointObject | null => {
  const [, team = "", study = "", trial = "", ...form] = KEY.exec(key) ?? [];
  return team === "" ? null : { team, study, trial: Number(trial), checkpoint: read(form) };
};

/**
 * The checkpoint of the next upload of a running trial.
 * @param now milliseconds since 1970.
 * @param nonce hexadecimal, of NONCE_BYTES.
 */
export const nextCheckpoint = (trial: TrialItem, now: number, nonce: string): Checkpoint => ({
  attempt: trial.attempt,
  // Clocks of two Lambdas may differ; what follows from a commit must come after it.
  order: Math.max(now, (readCheckpoint(trial.checkpoint)?.order ?? 0) + 1),
  nonce,
});

/**
 * Whether a running trial holds a checkpoint that this one must not replace: of those of an attempt only later ones follow. So what has been left behind can never be committed any more, and may be deleted.
 */
export const isSuperseded = (trial: TrialItem, { attempt, order }: Checkpoint): boolean => {
  const held = readCheckpoint(trial.checkpoint);
  return held !== null && held.attempt === attempt && order <= held.order;
};

/**
 * Whether nobody needs the object of a checkpoint any more, now and for ever: neither the trial itself, nor any upload that
 * may still be committed.
 * @param trial that it belongs to; null when there is none.
 */
export const isCollectable = (trial: TrialItem | null, checkpoint: Checkpoint): boolean => {
  if (trial === null || isFinished(trial.state)) return true;
  if (trial.checkpoint === checkpointName(checkpoint)) return false;
  return checkpoint.attempt < trial.attempt || isSuperseded(trial, checkpoint);
};
