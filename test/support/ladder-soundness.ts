import type { Rung } from "../../shared/scheduler/rung-table.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { trialFinder } from "../../shared/service/core/find-trial.ts";
import { readSnapshot } from "../../shared/service/core/snapshot.ts";
import { readLadders } from "../../shared/store/rung-table.ts";
import type { TrialItem } from "../../shared/store/trial.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";

/**
 * What must hold of the rungs of a study, whatever failed: each knows every trial that came to it, once, who waits there, who went
 * on and who was lost.
 * @returns what does not hold, in sentences.
 */
export const ladderSoundness = async (deps: ServiceDeps, study: LoadedStudy): Promise<string[]> => {
  const { scheduler } = study;
  if (scheduler.rounds !== null || scheduler.levels.length === 0) return [];
  const snapshot = await readSnapshot(deps, study);
  const find = await trialFinder(deps, snapshot);
  const trials = Array.from({ length: snapshot.head.next }, (_, number) => find(number)).filter(
    (trial): trial is TrialItem => trial !== null && trial.bracket !== null,
  );
  const ladders = await readLadders(deps.store, study.id, 0);
  const found: string[] = [];
  const brackets = [...new Set(trials.map(({ bracket }) => bracket!))];
  for (const bracket of brackets) {
    const own = trials.filter((trial) => trial.bracket === bracket);
    const levels = levelsOf(study, own);
    // Where nobody is paused the top keeps no table: nobody is compared there.
    const kept = scheduler.keeps({ bracket, rung: 0 }) > 0 ? levels.length : levels.length - 1;
    for (const rung of levels.slice(0, kept).keys()) {
      const place = { bracket, rung };
      const { tables, lost } = ladders.at(place);
      const stored = [...tables.values()];
      const sum = (of: (table: (typeof stored)[number]) => number) =>
        stored.reduce((total, table) => total + of(table), 0);
      const compare = (what: string, is: unknown, should: unknown) => {
        if (JSON.stringify(is) === JSON.stringify(should)) return;
        found.push(
          `rung ${bracket}/${rung}: ${what} ${JSON.stringify(is)}, of the trials ${JSON.stringify(should)}`,
        );
      };
      const recorded = own.filter(({ curve }) => curve.some(({ step }) => rungOf(levels, step) === rung));
      compare(
        "entered",
        sum(({ table }) => table.entered),
        recorded.length,
      );
      compare("sampled", sorted(stored.flatMap(({ table }) => table.sample)), numbers(recorded));
      if (scheduler.keeps(place) === 0) continue;
      const isHere = (trial: TrialItem) => trial.rung === rung;
      compare(
        "waiting",
        sorted(stored.flatMap(({ table }) => table.waiting)),
        numbers(own.filter((trial) => isHere(trial) && trial.state === "paused")),
      );
      compare(
        "promoted",
        sum(({ table }) => table.promoted),
        own.filter((trial) => (trial.rung ?? 0) > rung).length,
      );
      // A scheduler that pauses trials prunes none: their clients did.
      const isGone = ({ state }: TrialItem) => state === "failed" || state === "pruned";
      const gone = numbers(own.filter((trial) => isHere(trial) && isGone(trial)));
      if (rung === 0)
        compare(
          "failed",
          sum(({ failed }) => failed),
          gone.length,
        );
      else
        compare(
          "lost",
          [...lost].sort((a, b) => a - b),
          gone,
        );
    }
  }
  return found;
};

/** The resources of a bracket: the upper levels, from where its trials begin. */
const levelsOf = ({ scheduler }: LoadedStudy, own: readonly TrialItem[]): readonly number[] => {
  const lowest = Math.min(...own.map(({ number }) => number));
  const start = scheduler.start(lowest);
  const from = scheduler.levels.indexOf(scheduler.nextStep(start) ?? start?.resource ?? 0);
  return scheduler.levels.slice(from);
};

const rungOf = (levels: readonly number[], step: number) => levels.findLastIndex((level) => level <= step);

const numbers = (trials: readonly TrialItem[]) => trials.map(({ number }) => number);
const sorted = (standings: Rung["waiting"]) => standings.map(({ trial }) => trial).sort((a, b) => a - b);
