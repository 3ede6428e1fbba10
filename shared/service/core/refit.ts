import { StudyNotFound } from "../../errors.ts";
import type { BestTrial } from "../../schemas/study.ts";
import { changeHead, findHead, type Head } from "../../store/head.ts";
import { newTrial } from "../../store/trial.ts";
import { limitsOfPart, spentIn } from "../../study/budget.ts";
import { refitOf, winnerNumber } from "../../study/nested.ts";
import { foldsOf, partId, wholeId } from "../../study/parts.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { trialsUsed } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { commit } from "./commit.ts";
import { noRequest, type ServiceDeps } from "./deps.ts";
import { ENQUEUED, queuedTrial } from "./propose.ts";
import { readSnapshot } from "./snapshot.ts";

/**
 * Has the winner of a search trained on the whole outer training set and scored on the outer test set, once however many see that it is
 * due.
 * @param part of the refits of that outer fold.
 * @param winner by its number in its search.
 */
export const enqueueRefit = (deps: ServiceDeps, part: LoadedStudy, winner: BestTrial): Promise<null> =>
  commit(deps, noRequest, async () => {
    const snapshot = await readSnapshot(deps, part);
    const { head, trials } = snapshot;
    if (refitOf(winner, trials) !== undefined) return { changes: [], answer: null };
    const place = { number: head.next, ordinal: trialsUsed(head) };
    const origin = {
      params: winner.params,
      algorithm: ENQUEUED,
      why: `the winner of its outer fold, trial ${winnerNumber(part, winner)}`,
    };
    const refit = queuedTrial(part, place, deps.clock(), origin);
    return {
      changes: [
        changeHead(head, {
          next: head.next + 1,
          trials: head.next + 1,
          ...(await limitsOfRefit(deps, snapshot)),
        }),
        newTrial(part.space, refit),
      ],
      answer: null,
    };
  });

/** What its search has left of the money of the outer fold. */
const limitsOfRefit = async (deps: ServiceDeps, refit: Snapshot): Promise<Partial<Head>> => {
  const { study } = refit;
  const { id, spec, part } = study;
  if (part === undefined || spec.executor.type !== "batch") return {};
  const folds = foldsOf(part.nested);
  const whole = wholeId(id);
  const [limits, search] = await Promise.all([
    findHead(deps.store, whole),
    readSnapshot(deps, { ...study, id: partId(whole, part.index - folds) }),
  ]);
  if (limits === null) throw new StudyNotFound(whole);
  const spending = { search: spentIn(search), refit: spentIn(refit), isSearched: true };
  return limitsOfPart(study, folds, false, limits, spending);
};
