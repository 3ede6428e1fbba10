import type { Study } from "../../schemas/study.ts";
import { activateBatch } from "../../store/active-batch.ts";
import { changeHead, type Head } from "../../store/head.ts";
import { noteRegistration } from "../../store/registration.ts";
import { executionOf, type Headed } from "../../study/execution.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { refuseUnlessRunning, stateOf } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { planned, type RememberedStudy } from "../core/describe.ts";
import { followUp } from "../core/follow-up.ts";
import { relist } from "../core/listing.ts";
import {
  describeParts,
  describeWhole,
  readParts,
  recallWhole,
  stateOfWhole,
  wholeOf,
} from "../core/parts.ts";
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
    if (head.started) return planned([], await describeWhole(deps, snapshot));
    const parts = await readParts(deps, study);
    await refuseUnlessWholeRuns(deps, snapshot, parts);
    if (head.definition === "" && registered === "") {
      // What no head comes to name, whatever becomes of this request, the reconciler deregisters.
      await deps.store.update(noteRegistration({ study: study.id, at: deps.clock() }));
      registered = await deps.batch.register({
        study: study.id,
        team: study.team,
        executor,
        labels: study.spec.labels,
      });
    }
    const patch = {
      started: true,
      generation: head.generation + 1,
      definition: head.definition || registered,
      notice: null,
    };
    const changed: Head = { ...head, ...patch };
    const started = parts.map((part) => {
      const own = { ...patch, generation: part.head.generation + 1 };
      return { change: changeHead(part.head, own), after: { ...part, head: { ...part.head, ...own } } };
    });
    return planned(
      [changeHead(head, patch), ...started.map(({ change }) => change), activateBatch(study.id)],
      await describeParts(
        deps,
        { ...snapshot, head: changed },
        started.map(({ after }) => after),
      ),
    );
  };
  const reply = await commit(deps, write, plan, {
    recall: (remembered: RememberedStudy) => recallWhole(deps, study, remembered),
  });
  await followUp(deps, study.id, () => beginTrials(deps, study));
  await followUp(deps, study.id, () => relist(deps, study));
  return reply;
};

/** @throws StudyNotRunning when the study, or all of nested cross-validation, is paused or finished. */
const refuseUnlessWholeRuns = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  parts: readonly Snapshot[],
): Promise<void> => {
  const { nested } = snapshot.study.spec;
  if (nested === undefined) return refuseUnlessRunning(stateOf(snapshot), snapshot.head);
  refuseUnlessRunning(stateOfWhole(await wholeOf(deps, snapshot, nested, parts)));
};

/** The first trials, or the machine that hands them out. Repeating it is harmless. */
const beginTrials = async (deps: ServiceDeps, study: LoadedStudy): Promise<void> => {
  const { head } = await readSnapshot(deps, study);
  if (executionOf(study, head.generation) === null) return topUp(deps, study);
  if (head.started) await startRounds(deps, { study, head });
};

/** The executions of an earlier start end, should its stop have been cut short: a study has those of one at a time. */
export const startRounds = async (deps: ServiceDeps, { study, head }: Headed): Promise<void> => {
  const before = { study, head: { ...head, generation: head.generation - 1 } };
  await stopRounds(deps, before, "The study was started again.");
  const execution = executionOf(study, head.generation);
  if (execution !== null) await deps.workflow.start(execution);
};
