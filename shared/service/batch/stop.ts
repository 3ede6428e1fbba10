import type { StopBody, Study } from "../../schemas/study.ts";
import type { Notice } from "../../sentences/notices.ts";
import { activateBatch } from "../../store/active-batch.ts";
import { changeHead, type Head, overwriteHead } from "../../store/head.ts";
import type { Change } from "../../store/store.ts";
import { executionsOf, type Headed } from "../../study/execution.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { planned, type RememberedStudy } from "../core/describe.ts";
import { followUp } from "../core/follow-up.ts";
import { relist } from "../core/listing.ts";
import { describeWhole, headedParts, partsIn, recallWhole } from "../core/parts.ts";
import { readSnapshot, wrongExecutor } from "../core/snapshot.ts";
import { putBack } from "./put-back.ts";

/** Trials put back while the caller waits; the reconciler puts back the rest. */
const AT_ONCE = 200;
const PASSES = 3;

/**
 * Stops the batch executor: nothing more is dispatched. Running trials are ended and put back to wait for the next
 * start, or with `drain` left to end by themselves. Stopping a stopped study stops what still runs of it.
 * @throws WrongExecutor for a client study.
 */
export const stopStudy = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  { drain = false }: StopBody,
  write: WriteContext,
): Promise<Study> => {
  if (study.spec.executor.type !== "batch")
    throw await wrongExecutor(deps, study, { kind: "stop-of-client" });
  const plan = async () => {
    const snapshot = await readSnapshot(deps, study);
    const head: Head = { ...snapshot.head, started: false };
    return planned(
      haltChanges(study, snapshot.head, drain),
      await describeWhole(deps, { ...snapshot, head }),
    );
  };
  const reply = await commit(deps, write, plan, {
    recall: (remembered: RememberedStudy) => recallWhole(deps, study, remembered),
  });
  await followUp(deps, study.id, () => unwind(deps, study, drain));
  await followUp(deps, study.id, () => relist(deps, study));
  return reply;
};

/**
 * Ends dispatching, in the parts of nested cross-validation too, whatever happens in them meanwhile: there are many, and one that has
 * just dispatched a trial must not hold up the stop. The study stays among the active ones until nothing of it runs any more; that item
 * says what becomes of running trials.
 * @param head of the study itself, which must not have changed.
 */
export const haltChanges = (study: LoadedStudy, head: Head, drain: boolean, notice?: Notice): Change[] => {
  if (head.generation === 0) return [];
  return [
    changeHead(head, { started: false, ...(notice !== undefined && { notice }) }),
    ...partsIn(study).map(({ id }) => overwriteHead(id, { started: false })),
    activateBatch(head.study, drain),
  ];
};

/** What follows from a stop. Repeating it is harmless. */
const unwind = async (deps: ServiceDeps, study: LoadedStudy, drain: boolean): Promise<void> => {
  for (let pass = 1; pass <= PASSES; pass++) {
    const snapshot = await readSnapshot(deps, study);
    if (snapshot.head.started) return;
    if (pass === 1) await stopRounds(deps, snapshot, "The study was stopped.");
    if (await putBack(deps, snapshot, drain, AT_ONCE)) return;
  }
};

/**
 * Ends the executions of a start of a study, should they run: those that another one started first, so that none is forgotten. Those of a
 * later start go on.
 */
export const stopRounds = async (
  deps: Pick<ServiceDeps, "workflow" | "store">,
  headed: Headed,
  reason: string,
): Promise<void> => {
  const parts = (await headedParts(deps, headed.study)).map(asStopped);
  for (const execution of executionsOf(headed, parts)) await deps.workflow.stop(execution, reason);
};

/** A part that was started again since is seen as before that start. */
const asStopped = ({ study, head }: Headed): Headed =>
  head.started ? { study, head: { ...head, generation: head.generation - 1 } } : { study, head };
