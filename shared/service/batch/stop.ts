import type { StopBody, Study } from "../../schemas/study.ts";
import type { Notice } from "../../sentences/notices.ts";
import { activateBatch } from "../../store/active-batch.ts";
import { changeHead, type Head } from "../../store/head.ts";
import type { Change } from "../../store/store.ts";
import { executionsOf } from "../../study/execution.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { describe, planned, type RememberedStudy, recallStudy } from "../core/describe.ts";
import { followUp } from "../core/follow-up.ts";
import { relist } from "../core/listing.ts";
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
    return planned(haltChanges(snapshot.head, drain), await describe(deps, { ...snapshot, head }));
  };
  const reply = await commit(deps, write, plan, {
    recall: (remembered: RememberedStudy) => recallStudy(deps, study, remembered),
  });
  await followUp(deps, study.id, () => unwind(deps, study, drain));
  await followUp(deps, study.id, () => relist(deps, study));
  return reply;
};

/**
 * Ends dispatching. The study stays among the active ones until nothing of it runs any more; that item says what becomes
 * of running trials.
 */
export const haltChanges = (head: Head, drain: boolean, notice?: Notice): Change[] => {
  if (head.generation === 0) return [];
  return [
    changeHead(head, { started: false, ...(notice !== undefined && { notice }) }),
    activateBatch(head.study, drain),
  ];
};

/** What follows from a stop. Repeating it is harmless. */
const unwind = async (deps: ServiceDeps, study: LoadedStudy, drain: boolean): Promise<void> => {
  for (let pass = 1; pass <= PASSES; pass++) {
    const snapshot = await readSnapshot(deps, study);
    if (snapshot.head.started) return;
    if (pass === 1) await stopRounds(deps, study, snapshot.head, "The study was stopped.");
    if (await putBack(deps, snapshot, drain, AT_ONCE)) return;
  }
};

/** Ends the executions of a start of a study, should they run: those of its brackets first, so that none is forgotten. */
export const stopRounds = async (
  { workflow }: Pick<ServiceDeps, "workflow">,
  study: LoadedStudy,
  head: Head,
  reason: string,
): Promise<void> => {
  for (const execution of executionsOf(study, head)) await workflow.stop(execution, reason);
};
