import type { BestTrial, Study } from "../../schemas/study.ts";
import { asCandidates, bestOf, foldedBest } from "../../study/best.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { toStudy } from "../../study/view.ts";
import type { ServiceDeps } from "./deps.ts";
import { readFolded } from "./segments.ts";

/** The study as GET shows it. */
export const describe = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Study> =>
  toStudy(snapshot, await bestTrialsOf(deps, snapshot));

/** The best of all trials. The head remembers a single objective's folded best; a Pareto set is made of the segments. */
export const bestTrialsOf = async (deps: ServiceDeps, snapshot: Snapshot): Promise<BestTrial[]> => {
  const { study, head, trials } = snapshot;
  const folded =
    study.spec.objectives.length > 1 ? asCandidates(await foldedFront(deps, snapshot)) : foldedBest(head);
  return bestOf(study.spec, [...folded, ...trials]);
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
