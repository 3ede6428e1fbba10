import { CHECKPOINTS } from "../../deployment.ts";
import { openTips } from "../../optimizer/gradient/index.ts";
import { segmentsOf, settingsOf } from "../../optimizer/pbt/options.ts";
import { neededCheckpoints } from "../../optimizer/pbt/population.ts";
import {
  type CheckpointObject,
  checkpointKey,
  checkpointName,
  isCollectable,
  readCheckpointKey,
} from "../../study/checkpoint.ts";
import { takesGradients } from "../../study/gradients.ts";
import { stateOf } from "../../study/state.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { type FindTrial, trialFinder } from "../core/find-trial.ts";
import { followUp } from "../core/follow-up.ts";
import { historyOf, problemOf } from "../core/history.ts";
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
  const { find, isNeeded } = await needsOf(deps, study);
  const useless = objects.filter(({ trial, checkpoint }) => {
    const item = find(trial);
    const isKept = item?.checkpoint === checkpointName(checkpoint) && isNeeded(trial);
    return !isKept && isCollectable(item, checkpoint);
  });
  for (let i = 0; i < useless.length; i += WIDTH) {
    await Promise.all(
      useless.slice(i, i + WIDTH).map((object) => deps.checkpoints.remove(checkpointKey(object))),
    );
  }
  if (useless.length > 0) deps.log("checkpoints-collected", { study, objects: useless.length });
};

/** What of a study needs checkpoints. */
interface Needs {
  readonly find: FindTrial;
  /** Whether others may go on from a trial that has ended. */
  readonly isNeeded: (trial: number) => boolean;
}

const NO_NEEDS: Needs = { find: () => null, isNeeded: () => false };

/** A study that is gone, or on its way, has no trials. */
const needsOf = async (deps: ServiceDeps, id: string): Promise<Needs> => {
  const study = await loadStudyById(deps, id);
  const snapshot = study === null ? null : await findSnapshot(deps, study);
  if (study === null || snapshot === null) return NO_NEEDS;
  const find = await trialFinder(deps, snapshot);
  const { algorithm } = study.spec;
  if (takesGradients(study.spec)) {
    const options = algorithm.name === "gradient" ? algorithm : {};
    const tips = openTips(await historyOf(deps, snapshot), options);
    return { find, isNeeded: (trial) => tips.has(trial) && stateOf(snapshot) !== "finished" };
  }
  if (algorithm.name !== "pbt") return { ...NO_NEEDS, find };
  const problem = problemOf(snapshot, 0);
  const isNeeded = neededCheckpoints(
    await historyOf(deps, snapshot),
    segmentsOf(problem),
    settingsOf(algorithm, problem).population,
  );
  // A history has each trial in the row of its number.
  return { find, isNeeded };
};
