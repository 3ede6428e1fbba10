import type { Study } from "../../schemas/study.ts";
import { activateBatch } from "../../store/active-batch.ts";
import { changeHead, type Head } from "../../store/head.ts";
import { noteRegistration } from "../../store/registration.ts";
import { executionOf } from "../../study/execution.ts";
import { refuseUnlessRunning } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { describe, planned, type RememberedStudy, recallStudy } from "../core/describe.ts";
import { followUp } from "../core/follow-up.ts";
import { relist } from "../core/listing.ts";
import { readSnapshot, wrongExecutor } from "../core/snapshot.ts";
import { stopRounds } from "./stop.ts";
import { topUp } from "./top-up.ts";

/**
 * Starts the batch executor. Starting a started study changes nothing, but does again what a crash may have left undone.
 * @throws WrongExecutor for a client study, StudyNotRunning for one that is paused or finished.
 */
export const startStudy = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  write: WriteContext,
): Promise<Study> => {
  const { executor } = study.spec;
  if (executor.type !== "batch") throw await wrongExecutor(deps, study, { kind: "start-of-client" });
  let registered = "";
  const plan = async () => {
    const snapshot = await readSnapshot(deps, study);
    const { head } = snapshot;
    if (head.started) return planned([], await describe(deps, snapshot));
    refuseUnlessRunning(snapshot);
    if (head.definition === "" && registered === "") {
      // What no head comes to name, whatever becomes of this request, the reconciler deregisters.
      await deps.store.update(noteRegistration({ study: study.id, at: deps.clock() }));
      registered = await deps.batch.register(study.id, study.team, executor);
    }
    const patch = {
      started: true,
      generation: head.generation + 1,
      definition: head.definition || registered,
      notice: null,
    };
    const changed: Head = { ...head, ...patch };
    return planned(
      [changeHead(head, patch), activateBatch(study.id)],
      await describe(deps, { ...snapshot, head: changed }),
    );
  };
  const reply = await commit(deps, write, plan, {
    recall: (remembered: RememberedStudy) => recallStudy(deps, study, remembered),
  });
  await followUp(deps, study.id, () => beginTrials(deps, study));
  await followUp(deps, study.id, () => relist(deps, study));
  return reply;
};

/** The first trials, or the machine that hands them out. Repeating it is harmless. */
const beginTrials = async (deps: ServiceDeps, study: LoadedStudy): Promise<void> => {
  if (study.scheduler.rounds === null) return topUp(deps, study);
  const { head } = await readSnapshot(deps, study);
  if (head.started) await startRounds(deps, study, head);
};

/** The executions of an earlier start end, should its stop have been cut short: a study has those of one at a time. */
export const startRounds = async (deps: ServiceDeps, study: LoadedStudy, head: Head): Promise<void> => {
  await stopRounds(deps, study, { ...head, generation: head.generation - 1 }, "The study was started again.");
  const execution = executionOf(study, head.generation);
  if (execution !== null) await deps.workflow.start(execution);
};
