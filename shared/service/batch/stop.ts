import { Unavailable, WrongExecutor } from "../../errors.ts";
import type { StopBody, Study } from "../../schemas/study.ts";
import { changeHead, type Head } from "../../store/head.ts";
import { openBatch } from "../../store/open.ts";
import { RECEIPT } from "../../store/receipt.ts";
import { type Change, ConditionFailed } from "../../store/store.ts";
import { describe, type LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { once } from "../core/once.ts";
import { readOpen } from "../core/snapshot.ts";
import { putBack } from "./put-back.ts";

const MAX_TRIES = 10;
/** Trials put back while the caller waits; the reconciler sees to the rest. */
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
  if (study.spec.executor.type !== "batch") {
    throw new WrongExecutor(
      "The clients of this study run its trials. Pause the study instead of stopping it.",
    );
  }
  const reply = await once(deps, write, async (acknowledge) => {
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const snapshot = await readOpen(deps, study);
      const head: Head = { ...snapshot.head, started: false };
      const answer = await describe(deps, { ...snapshot, head });
      const changes = [...haltChanges(snapshot.head, drain), ...acknowledge(answer)];
      try {
        if (changes.length > 0) await deps.store.transact(changes);
        return answer;
      } catch (error) {
        if (!(error instanceof ConditionFailed) || error.names.has(RECEIPT)) throw error;
        await deps.store.pause(tries);
      }
    }
    throw new Unavailable();
  });
  await unwind(deps, study, drain);
  return reply;
};

/**
 * Ends dispatching, by whoever. The open item stays until nothing of the study runs any more, and says what is to become
 * of running trials.
 */
export const haltChanges = (head: Head, drain: boolean, message?: string): Change[] => {
  if (head.generation === 0) return [];
  return [
    changeHead(head, { started: false, ...(message !== undefined && { message }) }),
    openBatch(head.study, drain),
  ];
};

/** What follows from a stop. Repeating it is harmless. */
const unwind = async (deps: ServiceDeps, study: LoadedStudy, drain: boolean): Promise<void> => {
  for (let pass = 1; pass <= PASSES; pass++) {
    const snapshot = await readOpen(deps, study);
    if (snapshot.head.started) return;
    if (pass === 1 && study.spec.scheduler.name === "sha" && snapshot.head.generation > 0) {
      await deps.rounds.stop(study.id, snapshot.head.generation, "The study was stopped.");
    }
    if (await putBack(deps, snapshot, drain, AT_ONCE)) return;
  }
};
