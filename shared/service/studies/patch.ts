import { BudgetSpent, Conflict, InvalidInput } from "../../errors.ts";
import { algorithmOf } from "../../optimizer/choice.ts";
import type { PatchStudyBody, Study } from "../../schemas/study.ts";
import { type BudgetFields, changeHead, type Head, type HeadPatch, overwriteHead } from "../../store/head.ts";
import type { Change } from "../../store/store.ts";
import { type FoldSpending, limitsOfPart, NOTHING_SPENT, spentIn } from "../../study/budget.ts";
import { checkSpending } from "../../study/check.ts";
import { isSearchPart } from "../../study/nested.ts";
import { foldsOf } from "../../study/parts.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { stateOf, trialsUsed } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { afterChange } from "../batch/after-end.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { planned, type RememberedStudy } from "../core/describe.ts";
import { followUp } from "../core/follow-up.ts";
import { relist } from "../core/listing.ts";
import { describeParts, readWhole, recallWhole, stateOfWhole, type Whole } from "../core/parts.ts";
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
    const { nested } = study.spec;
    const whole = nested === undefined ? null : await readWhole(deps, snapshot, nested);
    const trials = body.budget?.trials ?? head.trials;
    if (whole === null) refuseChange(snapshot, body, trials);
    else refuseChangeOfWhole(whole, body, trials);
    const patch = {
      ...(body.state !== undefined && { state: body.state }),
      // Resuming says that the person has dealt with what paused the study.
      ...(body.state === "running" && head.state === "paused" && { notice: null }),
      trials,
      settled: staysSettled(head, trials),
      // Races that ended because the budget was spent go on.
      ...(mayRaceOn(snapshot, trials) && { exhausted: false }),
      parallel: body.budget?.parallel ?? head.parallel,
      gpuHours: body.budget?.gpuHours ?? head.gpuHours,
      dollars: body.budget?.dollars ?? head.dollars,
    };
    const changed: Head = { ...head, ...patch };
    const parts = whole === null ? [] : changedParts(whole, patch);
    return planned(
      [changeHead(head, patch), ...parts.flatMap(({ changes }) => changes)],
      await describeParts(
        deps,
        { ...snapshot, head: changed },
        parts.map(({ after }) => after),
      ),
    );
  };
  const reply = await commit(deps, write, plan, {
    recall: (remembered: RememberedStudy) => recallWhole(deps, study, remembered),
  });
  await afterChange(deps, study);
  await followUp(deps, study.id, () => relist(deps, study));
  return reply;
};

/**
 * Each search has the budget for itself, but money is shared among the folds. What dispatches jobs looks at the parts, so they are paused
 * with the study.
 */
const changedParts = (
  { parts, nested }: Whole,
  { state, trials, parallel, ...limits }: Partial<Pick<Head, "state">> & BudgetFields,
): { readonly changes: readonly Change[]; readonly after: Snapshot }[] => {
  const folds = foldsOf(nested);
  return parts.map((part, index) => {
    const { head, study } = part;
    const isSearch = isSearchPart(study.part);
    const hasOtherBudget = isSearch && trials !== head.trials;
    const patch: HeadPatch = {
      ...(state !== undefined && { state }),
      ...(state === "running" && head.state === "paused" && { notice: null }),
      ...(hasOtherBudget && {
        ...{ trials, settled: staysSettled(head, trials) },
        ...(mayRaceOn(part, trials) && { exhausted: false }),
      }),
      parallel,
      ...limitsOfPart(study, folds, isSearch, limits, spendingOf(parts, index % folds, folds, trials)),
    };
    const after = { ...head, ...patch };
    const isSame = (Object.keys(patch) as (keyof Head)[]).every((field) => after[field] === head[field]);
    return isSame
      ? { changes: [], after: part }
      : {
          // Only a budget depends on what was handed out; what else changes holds whatever a busy part does meanwhile.
          changes: [hasOtherBudget ? changeHead(head, patch) : overwriteHead(study.id, patch)],
          after: { ...part, head: after },
        };
  });
};

/** What an outer fold has used. @param trials that its search may have from now on. */
const spendingOf = (
  parts: readonly Snapshot[],
  fold: number,
  folds: number,
  trials: number,
): FoldSpending => {
  const [search, refit] = [parts[fold], parts[folds + fold]];
  if (search === undefined || refit === undefined) return NOTHING_SPENT;
  const isSearched = stateOf({ ...search, head: { ...search.head, trials } }) === "finished";
  return { search: spentIn(search), refit: spentIn(refit), isSearched };
};

const refuseChangeOfWhole = (whole: Whole, body: PatchStudyBody, trials: number): void => {
  const { head, study } = whole.snapshot;
  if (study.spec.executor.type === "batch" && head.started && trials !== head.trials) {
    throw new Conflict({ kind: "folds-begun" });
  }
  const searches = whole.parts.slice(0, foldsOf(whole.nested));
  // A larger budget is for the searches that go on.
  const open = searches.filter(({ head }) => head.ended === null);
  const changed = trials > whole.snapshot.head.trials && open.length > 0 ? open : searches;
  for (const search of changed) refuseChange(search, { budget: body.budget }, trials);
  if (
    body.state !== undefined &&
    stateOfWhole(whole) === "finished" &&
    trials === whole.snapshot.head.trials
  ) {
    throw new Conflict({ kind: "study-finished" });
  }
};

/** Whether none of the paused trials goes on: what more trials tell may let them, except in a study that its model ended. */
const staysSettled = ({ settled, ended, trials: before }: Head, trials: number): boolean =>
  settled && (trials === before || ended !== null);

/** Whether a larger budget lets a race go on. */
const mayRaceOn = ({ study, head }: Snapshot, trials: number): boolean =>
  trials > head.trials && algorithmOf(study.spec.algorithm).races === true;

const refuseChange = (snapshot: Snapshot, body: PatchStudyBody, trials: number): void => {
  const { study, head } = snapshot;
  if (trials < trialsUsed(head)) throw new BudgetSpent({ kind: "budget-below-used", used: trialsUsed(head) });
  if (study.scheduler.rounds !== null && head.generation > 0 && trials !== head.trials) {
    throw new Conflict({ kind: "rounds-begun" });
  }
  const left = head.trials - trialsUsed(head);
  const isFinished = stateOf(snapshot) === "finished";
  if (head.ended !== null && (trials > head.trials || (body.state !== undefined && isFinished))) {
    throw new Conflict({ kind: "not-worth-more" });
  }
  if (trials > head.trials && head.exhausted && left > 0 && isFinished && !mayRaceOn(snapshot, trials)) {
    throw new Conflict({ kind: "space-exhausted", left });
  }
  if (body.state !== undefined && isFinished && trials === head.trials) {
    throw new Conflict({ kind: "study-finished" });
  }
};
