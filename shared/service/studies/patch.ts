import { BudgetSpent, Conflict, InvalidInput } from "../../errors.ts";
import type { PatchStudyBody, Study } from "../../schemas/study.ts";
import { changeHead, type Head } from "../../store/head.ts";
import { checkSpending } from "../../study/check.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { stateOf, trialsUsed } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { afterChange } from "../batch/after-end.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { describe, planned, type RememberedStudy, recallStudy } from "../core/describe.ts";
import { followUp } from "../core/follow-up.ts";
import { relist } from "../core/listing.ts";
import { readSnapshot } from "../core/snapshot.ts";

/**
 * Pauses, resumes or extends a study.
 * @throws InvalidInput for a limit that limits nothing; BudgetSpent when the budget would be less than what was handed out already; Conflict.
 */
export const patchStudy = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  body: PatchStudyBody,
  write: WriteContext,
): Promise<Study> => {
  const faults = checkSpending(study.spec, body.budget ?? {});
  if (faults.length > 0) throw new InvalidInput(faults);
  const plan = async () => {
    const snapshot = await readSnapshot(deps, study);
    const { head } = snapshot;
    const trials = body.budget?.trials ?? head.trials;
    refuseChange(snapshot, body, trials);
    const patch = {
      ...(body.state !== undefined && { state: body.state }),
      // Resuming says that the person has dealt with what paused the study.
      ...(body.state === "running" && head.state === "paused" && { notice: null }),
      trials,
      // What more trials tell may let paused ones go on.
      settled: head.settled && trials === head.trials,
      parallel: body.budget?.parallel ?? head.parallel,
      gpuHours: body.budget?.gpuHours ?? head.gpuHours,
      dollars: body.budget?.dollars ?? head.dollars,
    };
    const changed: Head = { ...head, ...patch };
    return planned([changeHead(head, patch)], await describe(deps, { ...snapshot, head: changed }));
  };
  const reply = await commit(deps, write, plan, {
    recall: (remembered: RememberedStudy) => recallStudy(deps, study, remembered),
  });
  await afterChange(deps, study);
  await followUp(deps, study.id, () => relist(deps, study));
  return reply;
};

const refuseChange = (snapshot: Snapshot, body: PatchStudyBody, trials: number): void => {
  const { study, head } = snapshot;
  if (trials < trialsUsed(head)) throw new BudgetSpent({ kind: "budget-below-used", used: trialsUsed(head) });
  if (study.scheduler.rounds !== null && head.generation > 0 && trials !== head.trials) {
    throw new Conflict({ kind: "rounds-begun" });
  }
  const left = head.trials - trialsUsed(head);
  if (trials > head.trials && head.exhausted && left > 0 && stateOf(snapshot) === "finished") {
    throw new Conflict({ kind: "space-exhausted", left });
  }
  if (body.state !== undefined && stateOf(snapshot) === "finished" && trials === head.trials) {
    throw new Conflict({ kind: "study-finished" });
  }
};
