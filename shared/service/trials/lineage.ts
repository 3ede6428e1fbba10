import { invalid, TrialNotFound } from "../../errors.ts";
import { TRIAL_NUMBER } from "../../patterns.ts";
import type { LineageQuery, LineageReply, LineageSegment } from "../../schemas/trial.ts";
import type { TrialItem } from "../../store/trial.ts";
import { segmentOf } from "../../study/lineage.ts";
import { firstPage } from "../../study/page.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { cursorsOf } from "../core/cursor.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { bestTrialsOf } from "../core/describe.ts";
import { type FindTrial, findTrial, trialFinder } from "../core/find-trial.ts";
import { readSnapshot } from "../core/snapshot.ts";
import { inPart } from "./in-part.ts";

/**
 * The trials that led to one, each of which went on from the one before. A page that follows another is of the same trial, whatever
 * has become the best one meanwhile.
 * @throws TrialNotFound; InvalidInput for a cursor that is not one of this list, and where no trial is the best one.
 */
export const lineageOf = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  { trial, cursor }: LineageQuery,
): Promise<LineageReply> => {
  const cursors = cursorsOf(`lineage of ${study.id}`, `(?:${TRIAL_NUMBER})#(?:${TRIAL_NUMBER})`);
  const [wanted, from] = (cursors.read(cursor) ?? "").split("#");
  if (study.spec.nested !== undefined) return { trials: [await loneSegment(deps, study, trial)] };
  const snapshot = await readSnapshot(deps, study);
  const last = wanted ? Number(wanted) : (trial ?? (await bestTrialsOf(deps, snapshot))[0]?.number);
  if (last === undefined) return { trials: [] };
  const items = ancestors(await trialFinder(deps, snapshot), last);
  const rest = items.filter(({ number }) => number >= Number(from ?? 0));
  const trials = firstPage(rest.map((item) => segmentOf(study, item)));
  const next = rest[trials.length];
  return { trials, ...(next !== undefined && { cursor: cursors.write(`${last}#${next.number}`) }) };
};

/** The lineage in nested cross-validation, whose trials are no segments: the trial alone. */
const loneSegment = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: number | undefined,
): Promise<LineageSegment> => {
  if (trial === undefined) throw invalid("/trial", { kind: "lineage-of-folds" });
  return inPart(study, trial, async (part, own) => segmentOf(part, await findTrial(deps, part, own)));
};

/** A trial and those that it goes back to, the first one first: a parent has a lower number. */
const ancestors = (find: FindTrial, last: number): TrialItem[] => {
  const lineage: TrialItem[] = [];
  for (let number: number | undefined = last; number !== undefined; ) {
    const item = find(number);
    if (item === null) throw new TrialNotFound(number);
    lineage.unshift(item);
    number = item.origin?.trial;
  }
  return lineage;
};
