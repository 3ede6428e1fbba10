import type { Random } from "../../numerics/random.ts";
import { sampleCube } from "../../space/sample.ts";
import { type Algorithm, answer, type Draft, type History, type SeededProblem } from "../algorithm.ts";
import { createFresh } from "../common/fresh.ts";
import { sobolPointOf } from "../common/initial-design.ts";
import { pointOf } from "../common/rows.ts";
import { fitBandit } from "./bandit.ts";
import { check, complete, type Options, options, segmentsOf, settingsOf } from "./options.ts";
import { perturbed } from "./perturb.ts";
import { cohortInTurn, cohortsOf, committedOf, generationOf, type Member } from "./population.ts";
import { type Choice, chooseAfterLoss, chooseParent } from "./select.ts";

/**
 * Population-based training in its general form: a trial is a segment of a longer run, and begins from the committed checkpoint of
 * a parent. After each segment a run goes on, or copies a better one of its generation, and then explores other settings. No run
 * waits for a generation to be complete. Sources: Li et al. 2019, "A Generalized Framework for Population Based Training"; Jaderberg
 * et al. 2017; with `explore: bandit` Parker-Holder et al. 2020 (PB2).
 */
export const pbt: Algorithm<typeof options> = {
  name: "pbt",
  revision: 1,
  options,
  continues: true,
  check,
  complete,
  propose: (problem, history, count, random) => answer(nextSegments(problem, history, count, random)),
};

const nextSegments = (
  problem: SeededProblem<Options>,
  history: History,
  count: number,
  random: Random,
): Draft[] => {
  const { objectives, space } = problem;
  const settings = settingsOf(problem.options, problem);
  const segments = segmentsOf(problem);
  const cohort = cohortInTurn(cohortsOf(history, segments, settings.population), settings.population);
  const begun = Math.min(count, settings.population - cohort.length);
  const root = rootsOf(problem, history, random);
  const drafts = Array.from({ length: begun }, () => root());
  const ready = cohort
    .filter(isReady)
    .sort(byGeneration)
    .slice(0, count - begun);
  if (ready.length === 0) return drafts;

  const committed = committedOf(history, cohort);
  const explore = explorer(problem, history, random);
  for (const member of ready) {
    const candidates = committed.get(member.from) ?? [];
    const choice: Choice | null =
      member.state === "waiting"
        ? chooseParent(history, member.newest, candidates, objectives, settings, random)
        : chooseAfterLoss(history, candidates, objectives, random);
    if (choice === null) {
      drafts.push({ ...root(), bracket: member.id });
      continue;
    }
    const { parent } = choice;
    const x = pointOf(history, parent, space.parameters.length);
    const generation = generationOf(history, parent) + 1;
    const { why, explores } = choice;
    const explored = explores ? explore(x, generation, why) : { x, why };
    drafts.push({
      ...explored,
      algorithm: "pbt",
      parent: history.number[parent]!,
      bracket: member.id,
      resource: Math.min(segments.end, (generation + 1) * segments.length),
    });
  }
  return drafts;
};

const isReady = ({ state }: Member): boolean => state === "waiting" || state === "lost";

/** Those that are furthest behind first, among them those that have waited longest. */
const byGeneration = (a: Member, b: Member): number => a.from - b.from || a.newest - b.newest;

/** The settings of a new run: space-filling, or any once all were tried, since each begins from another state. */
const rootsOf = (problem: SeededProblem<Options>, history: History, random: Random): (() => Draft) => {
  const { space, firstNumber } = problem;
  const fresh = createFresh(space, history);
  let number = firstNumber;
  return () => {
    const x = sobolPointOf(problem, number++, fresh) ?? sampleCube(space, random);
    fresh.take(x);
    return { x, algorithm: "pbt", why: "first segment" };
  };
};

/** Other settings for a segment that goes on from a copy. The model is fitted once it is needed. */
const explorer = (problem: SeededProblem<Options>, history: History, random: Random) => {
  const settings = settingsOf(problem.options, problem);
  let bandit: ReturnType<typeof fitBandit> | undefined;
  return (parent: Float64Array, generation: number, why: string): Pick<Draft, "x" | "why"> => {
    if (bandit === undefined) {
      bandit = settings.explore === "bandit" ? fitBandit(problem, history, settings, random) : null;
    }
    return bandit === null
      ? { x: perturbed(problem.space, parent, settings, random), why: `${why}, perturbed` }
      : { x: bandit.choose(parent, generation), why: `${why}, explored by the bandit` };
  };
};
