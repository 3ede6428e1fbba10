import type { OpenedFold, PlannedFolds } from "../../schemas/rounds.ts";
import { changeHead } from "../../store/head.ts";
import { foldState, partOf } from "../../study/nested.ts";
import { foldsOf } from "../../study/parts.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy, NestedSpec } from "../../study/study.ts";
import { topUp } from "../batch/top-up.ts";
import { commit, type Plan } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { foldFrom, readWhole } from "../core/parts.ts";
import { enqueueRefit } from "../core/refit.ts";
import { findSnapshot } from "../core/snapshot.ts";
import { findStarted, LONGEST_EXECUTION, type StartAddress, TRIES } from "./round.ts";

/** The machine that waits for a part looks again after this many seconds, in case its token was lost. */
const LOOK_AGAIN = 86_400;

/** Plans the outer folds of nested cross-validation: all that are not over, side by side. */
export const planFolds = async (deps: ServiceDeps, address: StartAddress): Promise<PlannedFolds> => {
  const running = await findNested(deps, address);
  if (running === null) return { folds: [] };
  const { folds: found } = await readWhole(deps, running.snapshot, running.nested);
  const folds = found.flatMap((fold, i) => {
    const state = foldState(fold);
    const isOver = state === "completed" || state === "failed";
    return isOver ? [] : [{ fold: i, timeoutSeconds: LONGEST_EXECUTION }];
  });
  return { folds };
};

/** One outer fold of a start of a study. */
export interface FoldAddress extends StartAddress {
  readonly fold: number;
}

const DONE: OpenedFold = { next: "done", part: "", generation: 0, timeoutSeconds: LOOK_AGAIN };

/**
 * What an outer fold needs next: its search, then the refit of the winner. How far it is the store says, so that an execution goes on
 * where another one ended.
 */
export const openFold = async (deps: ServiceDeps, address: FoldAddress): Promise<OpenedFold> => {
  const running = await findNested(deps, address);
  if (running === null) return DONE;
  const { study } = running.snapshot;
  const search = partOf(study, running.nested, address.fold);
  const refit = partOf(study, running.nested, foldsOf(running.nested) + address.fold);
  const [searched, refitted] = await Promise.all([findSnapshot(deps, search), findSnapshot(deps, refit)]);
  if (searched === null || refitted === null) return DONE;
  const fold = await foldFrom(deps, searched, refitted.trials);
  const state = foldState(fold);
  if (state === "search") {
    return search.scheduler.rounds === null ? waitFor(deps, searched) : startBrackets(deps, search);
  }
  if (state !== "refit" || fold.winner === null) return DONE;
  await enqueueRefit(deps, refit, fold.winner);
  return waitFor(deps, refitted);
};

/** The part's trials are dispatched, and the machine waits until it is told that they have ended. */
const waitFor = async (deps: ServiceDeps, { study, head }: Snapshot): Promise<OpenedFold> => {
  await topUp(deps, study);
  return { next: "wait", part: study.id, generation: head.generation, timeoutSeconds: LOOK_AGAIN };
};

/** A machine is to run the brackets of a search: one at a time, so that what an earlier one still does comes to nothing. */
const startBrackets = (deps: ServiceDeps, search: LoadedStudy): Promise<OpenedFold> =>
  commit(
    deps,
    noRequest,
    async (): Promise<Plan<OpenedFold>> => {
      const found = await findSnapshot(deps, search);
      if (found === null || !found.head.started) return { changes: [], answer: DONE };
      const generation = found.head.generation + 1;
      return {
        changes: [changeHead(found.head, { generation })],
        answer: { next: "rounds", part: search.id, generation, timeoutSeconds: LONGEST_EXECUTION },
      };
    },
    TRIES,
  );

interface RunningNested {
  readonly snapshot: Snapshot;
  readonly nested: NestedSpec;
}

/** @returns null as `findStarted`, and for a study that is no nested cross-validation. */
const findNested = async (deps: ServiceDeps, address: StartAddress): Promise<RunningNested | null> => {
  const snapshot = await findStarted(deps, address);
  const nested = snapshot?.study.spec.nested;
  return snapshot === null || nested === undefined ? null : { snapshot, nested };
};
