import type { History, Problem } from "../optimizer/algorithm.ts";
import { racesOf, settingsOf } from "../optimizer/irace/index.ts";
import { leadersOf, type Step } from "../optimizer/irace/race.ts";
import { resultsOf } from "../optimizer/irace/results.ts";
import type { Race } from "../schemas/race.ts";
import { instanceOf, seedOf } from "./evaluation.ts";
import type { LoadedStudy } from "./study.ts";

/** The races of a study as clients see them; null where its algorithm does not race. */
export const shownRaces = ({ spec }: LoadedStudy, problem: Problem, history: History): Race[] | null => {
  const { algorithm, evaluation, seed } = spec;
  if (algorithm.name !== "irace" || evaluation === undefined) return null;
  const seeded = {
    ...problem,
    options: algorithm,
    seed,
    firstNumber: history.n,
    hint: null,
    isLate: () => false,
  };
  const results = resultsOf(history);
  const { test } = settingsOf(algorithm);
  const hasBegun = ({ isComplete, alive, instance }: Step) =>
    isComplete || alive.some((entrant) => results.configurations.get(entrant)?.costs.has(instance) === true);
  return racesOf(seeded, history).races.flatMap((race): Race[] => {
    const { iteration, isFinal, elites, ranking, isOver } = race;
    // A race that has been planned has not begun yet.
    if ((results.used[iteration] ?? 0) === 0 && !isOver) return [];
    const steps = race.steps.filter(hasBegun);
    const leaders = leadersOf(steps, results, test);
    return [
      {
        iteration,
        final: isFinal,
        elites: [...elites],
        steps: steps.map(({ instance, alive, eliminated, p }, i) => ({
          ...instanceOf(evaluation, instance),
          seed: seedOf(seed, instance),
          alive: alive.length,
          best: leaders[i] ?? null,
          p: Number.isNaN(p) ? null : p,
          eliminated: [...eliminated],
        })),
        // Those that have not begun have no number yet.
        survivors: ranking.filter((entrant) => entrant >= 0),
        over: isOver,
      },
    ];
  });
};
