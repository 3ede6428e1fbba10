import type { BestTrial, Study } from "../../schemas/study.ts";
import { asCandidates, bestOf, foldedBest } from "../../study/best.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { toStudy } from "../../study/view.ts";
import type { ServiceDeps } from "./deps.ts";
import { readFolded, segmentsOf } from "./segments.ts";
import { readSnapshot } from "./snapshot.ts";

/** The study as it is now: what a repeated request is answered with, because its first answer may be larger than a receipt. */
export const describeNow = async (deps: ServiceDeps, study: LoadedStudy): Promise<Study> =>
  describe(deps, await readSnapshot(deps, study));

/** The study as GET shows it. */
export const describe = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Study> =>
  toStudy(snapshot, await bestTrialsOf(deps, snapshot));

/** The best of all trials. The head remembers where a single objective's folded best is; a Pareto set is made of the segments. */
export const bestTrialsOf = async (deps: ServiceDeps, snapshot: Snapshot): Promise<BestTrial[]> => {
  const { study, trials } = snapshot;
  const folded =
    study.spec.objectives.length > 1 ? await foldedFront(deps, snapshot) : await foldedSingle(deps, snapshot);
  return bestOf(study.spec, [...asCandidates(folded), ...trials]);
};

/** The best folded trial of a single objective, read from its segment. */
const foldedSingle = async (deps: ServiceDeps, { study, head }: Snapshot): Promise<readonly BestTrial[]> => {
  const known = foldedBest(head);
  if (known === null) return [];
  if (!("segment" in known)) return [known];
  const [segment] = await segmentsOf(deps, study, known.segment, known.segment + 1);
  const trial = segment?.trial(segment.find(known.number));
  return trial === undefined
    ? []
    : [{ number: trial.number, params: trial.params, values: trial.values ?? {} }];
};

/** The Pareto set of all folded trials: what a warm Lambda has found is only joined with what was folded since. */
const foldedFront = async (deps: ServiceDeps, snapshot: Snapshot): Promise<readonly BestTrial[]> => {
  const { study, head } = snapshot;
  const cached = deps.warm.fronts.get(study.id);
  const known =
    cached !== undefined && cached.segments <= head.segments ? cached : { segments: 0, trials: [] };
  if (known.segments === head.segments) return known.trials;
  const since = await readFolded(deps, snapshot, known.segments);
  const trials = bestOf(study.spec, chained(asCandidates(known.trials), since));
  deps.warm.fronts.set(study.id, { segments: head.segments, trials });
  return trials;
};

function* chained<T>(first: Iterable<T>, second: Iterable<T>): Generator<T> {
  yield* first;
  yield* second;
}
