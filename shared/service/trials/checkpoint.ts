import type { CheckpointBody, CheckpointUrls } from "../../schemas/trial.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { checkpointUrls } from "../core/checkpoints.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { findTrial } from "../core/find-trial.ts";
import { refuseStale } from "./report.ts";

/**
 * The URLs of a running attempt's checkpoints.
 * @throws StaleAttempt when the attempt no longer owns the trial.
 */
export const checkpointsOfTrial = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  { attempt }: CheckpointBody,
): Promise<CheckpointUrls> => {
  const trial = await findTrial(deps, study, number);
  refuseStale(trial, attempt);
  return checkpointUrls(deps, study, trial);
};
