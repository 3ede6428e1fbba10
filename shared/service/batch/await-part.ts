import type { WaitMessage } from "../../schemas/message.ts";
import { findHead } from "../../store/head.ts";
import { changeWait, readWait } from "../../store/wait.ts";
import { withToken } from "../../study/job.ts";
import { stateOf } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { commit, updateOnce } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { findSnapshot } from "../core/snapshot.ts";

const TRIES = { tries: 5 };

/** The answer to a machine, which then reads from the store what has become of the part. */
const OVER = { over: 1 };

/** A state machine waits for a part of nested cross-validation: it is told when all trials of the part have ended. */
export const awaitPart = async (deps: ServiceDeps, { study: id, taskToken }: WaitMessage): Promise<void> => {
  const part = await loadStudyById(deps, id);
  if (part === null) return;
  const head = await findHead(deps.store, id);
  if (head === null || head.state === "deleting") {
    await deps.workflow.resume(taskToken, OVER);
    return;
  }
  const remember = async () => {
    const wait = await readWait(deps.store, id);
    const tokens = withToken(wait.taskTokens, taskToken);
    return { changes: tokens === wait.taskTokens ? [] : [changeWait(wait, tokens)], answer: null };
  };
  await commit(deps, noRequest, remember, TRIES);
  await answerIfOver(deps, part);
};

/**
 * Answers the machines that wait for a part, if it is over or stopped, then forgets them: answering twice is harmless, never answering
 * is not. A machine of a study that was stopped learns there that its execution is no longer the study's.
 */
export const answerIfOver = async (deps: ServiceDeps, part: LoadedStudy): Promise<void> => {
  const wait = await readWait(deps.store, part.id);
  if (wait.taskTokens.length === 0) return;
  const snapshot = await findSnapshot(deps, part);
  const goesOn = snapshot?.head.started === true && stateOf(snapshot) !== "finished";
  if (goesOn) return;
  for (const token of wait.taskTokens) await deps.workflow.resume(token, OVER);
  // Another process did the same, or one more machine waits.
  await updateOnce(deps, changeWait(wait, []));
};
