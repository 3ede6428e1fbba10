import { algorithmOf } from "../../optimizer/choice.ts";
import type { Race } from "../../schemas/race.ts";
import type { BestTrial, Study } from "../../schemas/study.ts";
import type { Segment } from "../../store/segment.ts";
import type { Change } from "../../store/store.ts";
import { bestOf, type Candidate, foldedBest, rememberedWhole, toBest } from "../../study/best.ts";
import { bestMeans, type Mean, meanAsBest, meansOf, type RunResult } from "../../study/means.ts";
import { shownRaces } from "../../study/races.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { toStudy } from "../../study/view.ts";
import type { Plan } from "./commit.ts";
import type { ServiceDeps } from "./deps.ts";
import { trialFinder } from "./find-trial.ts";
import { historyOf, problemOf } from "./history.ts";
import { readFolded, segmentsOf } from "./segments.ts";
import { readSnapshot } from "./snapshot.ts";

/** What a receipt remembers of a study that was answered: the rest is in its spec and its trials. */
export type RememberedStudy = Pick<
  Study,
  "study" | "state" | "budget" | "trials" | "nested" | "started" | "spent" | "message"
> & {
  readonly best: readonly number[];
};

const remember = ({
  study,
  state,
  budget,
  trials,
  nested,
  started,
  spent,
  message,
  best,
}: Study): RememberedStudy => ({
  study,
  state,
  budget,
  trials,
  ...(nested !== undefined && { nested }),
  started,
  spent,
  message,
  best: best.map(({ number }) => number),
});

/** What is written, and the study that is answered then. */
export const planned = (changes: readonly Change[], answer: Study): Plan<Study, RememberedStudy> => ({
  changes,
  answer,
  remembered: remember(answer),
});

/** The study as it was answered then. */
export const recallStudy = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  { best, ...remembered }: RememberedStudy,
): Promise<Study> => {
  const snapshot = await readSnapshot(deps, study);
  if (study.spec.evaluation !== undefined) {
    const means = await meansAt(deps, snapshot, best);
    return { ...toStudy(snapshot, []), ...remembered, best: means };
  }
  const find = best.length === 0 ? () => null : await trialFinder(deps, snapshot);
  const trials = best.flatMap((number) => {
    const trial = find(number);
    return trial === null ? [] : [toBest(trial)];
  });
  return { ...toStudy(snapshot, []), ...remembered, best: trials };
};

/** A study without parts as GET shows it. */
export const describe = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Study> =>
  toStudy(snapshot, await bestTrialsOf(deps, snapshot), await racesIn(deps, snapshot));

const racesIn = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Race[]> => {
  const { study } = snapshot;
  if (algorithmOf(study.spec.algorithm).races !== true) return [];
  return shownRaces(study, problemOf(snapshot, 0), await historyOf(deps, snapshot)) ?? [];
};

/** The best of all trials. The head remembers where a single objective's folded best is; a Pareto set is made of the segments. */
export const bestTrialsOf = async (deps: ServiceDeps, snapshot: Snapshot): Promise<BestTrial[]> => {
  const { study, trials } = snapshot;
  if (study.spec.evaluation !== undefined) return bestConfigurations(deps, snapshot);
  const folded =
    study.spec.objectives.length > 1 ? await foldedFront(deps, snapshot) : await foldedSingle(deps, snapshot);
  return bestOf<Candidate>(study.spec, chained(folded, trials)).map(toBest);
};

/** The best configurations of a study in which they have several runs, from all results. */
const bestConfigurations = async (deps: ServiceDeps, snapshot: Snapshot): Promise<BestTrial[]> => {
  const find = await trialFinder(deps, snapshot);
  const means = await allMeans(deps, snapshot);
  return bestMeans(snapshot.study.spec, means, (configuration) => find(configuration)?.params ?? {});
};

/** Some configurations with the means that they have now. */
const meansAt = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  configurations: readonly number[],
): Promise<BestTrial[]> => {
  const find = await trialFinder(deps, snapshot);
  const means = await allMeans(deps, snapshot);
  return means
    .filter(({ configuration }) => configurations.includes(configuration))
    .map((mean) => meanAsBest(mean, find(mean.configuration)?.params ?? {}));
};

const allMeans = async (deps: ServiceDeps, { study, head, trials }: Snapshot): Promise<Mean[]> => {
  const segments = await segmentsOf(deps, study, 0, head.segments);
  return meansOf(chained(resultsIn(segments), trials));
};

function* resultsIn(segments: readonly Segment[]): Generator<RunResult> {
  for (const segment of segments) for (let i = 0; i < segment.count; i++) yield segment.result(i);
}

/** The best folded trial of a single objective, read from its segment. */
const foldedSingle = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Iterable<Candidate>> => {
  const { study, head } = snapshot;
  const known = foldedBest(head);
  if (known === null) return [];
  if (!("segment" in known)) return [rememberedWhole(known)];
  const [segment] = await segmentsOf(deps, study, known.segment, known.segment + 1);
  const trial = segment?.trial(segment.find(known.number));
  if (trial === undefined) return [];
  if (trial.state !== "paused") return [trial];
  // It may have gone on since, and come to less: then all that are folded are looked at.
  const latest = (await trialFinder(deps, snapshot))(trial.number);
  return latest?.attempt === trial.attempt ? [trial] : readFolded(deps, snapshot);
};

/** The Pareto set of all folded trials: what a warm Lambda has found is only joined with what was folded since. */
const foldedFront = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Iterable<Candidate>> => {
  const { study, head } = snapshot;
  // Trials on a ladder may go on after they were folded.
  if (study.scheduler.levels.length > 0) return readFolded(deps, snapshot);
  const cached = deps.warm.fronts.get(study.id);
  const known =
    cached !== undefined && cached.segments <= head.segments ? cached : { segments: 0, trials: [] };
  if (known.segments === head.segments) return known.trials;
  const since = await readFolded(deps, snapshot, known.segments);
  const trials = bestOf<Candidate>(study.spec, chained(known.trials, since));
  deps.warm.fronts.set(study.id, { segments: head.segments, trials });
  return trials;
};

function* chained<T>(first: Iterable<T>, second: Iterable<T>): Generator<T> {
  yield* first;
  yield* second;
}
