import { StudyNotRunning, Unavailable, WrongExecutor } from "../../errors.ts";
import type { Study } from "../../schemas/study.ts";
import { changeHead, type Head } from "../../store/head.ts";
import { openBatch } from "../../store/open.ts";
import { RECEIPT } from "../../store/receipt.ts";
import { ConditionFailed } from "../../store/store.ts";
import { describe, type LoadedStudy, stateOf } from "../../study/study.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { once } from "../core/once.ts";
import { readOpen, type Snapshot } from "../core/snapshot.ts";
import { topUp } from "./top-up.ts";

const MAX_TRIES = 10;

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
  if (executor.type !== "batch") {
    throw new WrongExecutor(
      "The clients of this study run its trials: ask for them. There is nothing to start.",
    );
  }
  const reply = await once(deps, write, async (acknowledge) => {
    let registered = "";
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const snapshot = await readOpen(deps, study);
      const { head } = snapshot;
      if (head.started) {
        if (registered !== "" && registered !== head.definition) await deps.batch.deregister(registered);
        const answer = await describe(deps, snapshot);
        const receipt = acknowledge(answer);
        if (receipt.length > 0) await deps.store.transact(receipt);
        return answer;
      }
      refuseUnlessRunning(snapshot);
      if (head.definition === "" && registered === "") {
        registered = await deps.batch.register(study.id, study.team, executor);
      }
      const set = {
        started: true,
        generation: head.generation + 1,
        definition: head.definition || registered,
        message: "",
      };
      const changed: Head = { ...head, ...set };
      const answer = await describe(deps, { ...snapshot, head: changed });
      try {
        await deps.store.transact([changeHead(head, set), openBatch(study.id), ...acknowledge(answer)]);
        return answer;
      } catch (error) {
        if (!(error instanceof ConditionFailed) || error.names.has(RECEIPT)) throw error;
        await deps.store.pause(tries);
      }
    }
    throw new Unavailable();
  });
  await setOff(deps, study);
  return reply;
};

const refuseUnlessRunning = (snapshot: Snapshot): void => {
  const state = stateOf(snapshot);
  if (state === "paused") throw new StudyNotRunning("The study is paused. Resume it, then start it.");
  if (state === "finished")
    throw new StudyNotRunning("The study is finished. Extend its budget to run it again.");
};

/** The first trials, or the machine that hands them out. Repeating it is harmless. */
export const setOff = async (deps: ServiceDeps, study: LoadedStudy): Promise<void> => {
  if (study.spec.scheduler.name !== "sha") return topUp(deps, study);
  const { head } = await readOpen(deps, study);
  if (head.started) await startRounds(deps, study.id, head.generation);
};

/** The execution of an earlier start ends, should its stop have been cut short: there is one at a time. */
export const startRounds = async (deps: ServiceDeps, study: string, generation: number): Promise<void> => {
  if (generation > 1) await deps.rounds.stop(study, generation - 1, "The study was started again.");
  await deps.rounds.start(study, generation);
};
