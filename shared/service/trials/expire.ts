import { changeTrial, leaseExpired, type TrialItem } from "../../store/trial.ts";
import { expiryOf } from "../../study/ends.ts";
import { isExpired, isLastAttempt } from "../../study/lease.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { commitOnce, updateOnce } from "../core/commit.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { readSnapshot } from "../core/snapshot.ts";

/** Trials ended at the same time. */
const WIDTH = 16;

/**
 * Ends the trials of a client study whose last attempt has expired, so that a study whose workers all died finishes.
 * Trials with attempts left stay as they are: the next ask takes them.
 */
export const endExpired = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Snapshot> => {
  const { study } = snapshot;
  if (study.spec.executor.type !== "client") return snapshot;
  const now = deps.clock();
  const dead = snapshot.trials.filter((trial) => isExpired(trial, now) && isLastAttempt(study, trial));
  if (dead.length === 0) return snapshot;
  for (let i = 0; i < dead.length; i += WIDTH) {
    // Told or taken meanwhile: what happened stands.
    const end = (trial: TrialItem) => {
      const { patch, changes } = expiryOf(study, trial, now);
      const change = changeTrial(trial, patch, leaseExpired(now));
      return changes.length === 0 ? updateOnce(deps, change) : commitOnce(deps, [change, ...changes]);
    };
    await Promise.all(dead.slice(i, i + WIDTH).map(end));
  }
  return readSnapshot(deps, study);
};
