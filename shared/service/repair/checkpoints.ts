import { CHECKPOINTS } from "../../deployment.ts";
import type { TrialItem } from "../../store/trial.ts";
import {
  type CheckpointObject,
  checkpointKey,
  isCollectable,
  readCheckpointKey,
} from "../../study/checkpoint.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { trialFinder } from "../core/find-trial.ts";
import { followUp } from "../core/follow-up.ts";
import { loadStudyById } from "../core/load.ts";
import { findSnapshot } from "../core/snapshot.ts";

/** Objects removed at the same time. */
const WIDTH = 16;

/**
 * Removes every checkpoint that nobody needs: of trials that have ended and studies that are gone, those that were replaced,
 * and uploads that a lost attempt never committed. What exists in the bucket says where to look, so nothing is forgotten
 * whatever crashed. A fault in one study does not stop the others.
 * @param deadline milliseconds since 1970.
 */
export const collectCheckpoints = async (deps: ServiceDeps, deadline: number): Promise<void> => {
  for (let after = ""; deps.clock() < deadline; ) {
    const keys = await deps.checkpoints.list(CHECKPOINTS, after);
    const last = keys.at(-1);
    if (last === undefined) return;
    after = last;
    for (const [study, objects] of byStudy(keys)) {
      await followUp(deps, study, () => collectOf(deps, study, objects));
    }
  }
};

const byStudy = (keys: readonly string[]): Map<string, CheckpointObject[]> => {
  const studies = new Map<string, CheckpointObject[]>();
  for (const key of keys) {
    const object = readCheckpointKey(key);
    if (object === null) continue;
    studies.set(object.study, [...(studies.get(object.study) ?? []), object]);
  }
  return studies;
};

const collectOf = async (
  deps: ServiceDeps,
  study: string,
  objects: readonly CheckpointObject[],
): Promise<void> => {
  const find = await finderOf(deps, study);
  const useless = objects.filter(({ trial, checkpoint }) => isCollectable(find(trial), checkpoint));
  for (let i = 0; i < useless.length; i += WIDTH) {
    await Promise.all(
      useless.slice(i, i + WIDTH).map((object) => deps.checkpoints.remove(checkpointKey(object))),
    );
  }
  if (useless.length > 0) deps.log("checkpoints-collected", { study, objects: useless.length });
};

/** A study that is gone, or on its way, has no trials. */
const finderOf = async (deps: ServiceDeps, id: string): Promise<(trial: number) => TrialItem | null> => {
  const study = await loadStudyById(deps, id);
  const snapshot = study === null ? null : await findSnapshot(deps, study);
  return snapshot === null ? () => null : trialFinder(deps, snapshot);
};
