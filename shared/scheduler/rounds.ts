import type { FieldError } from "../errors.ts";
import { type Brackets, promotedOf } from "./ladder.ts";
import { unscheduled } from "./none.ts";
import type { Place, Ranking, RungPlace, Scheduler, SchedulerSetting, TrialEnd } from "./scheduler.ts";
import { hasFailed, inOrder, type Standing } from "./standing.ts";

/**
 * Synchronous halving of a batch study, as state machines carry it: all trials of a rung run to their end, then the best 1/eta of
 * them go on to the next.
 */
export interface InRounds {
  readonly name: string;
  readonly unit: string;
  readonly eta: number;
  /** Resources at which trials of all brackets are compared, rising. */
  readonly levels: readonly number[];
  readonly brackets: Brackets;
}

export const roundsScheduler = ({ name, unit, eta, levels, brackets }: InRounds): Scheduler => {
  const isTop = ({ bracket, rung }: RungPlace) => rung >= brackets.resources(bracket).length - 1;
  const end = (place: Place | null): TrialEnd => {
    if (place === null || isTop(place)) return { state: "completed", reason: null, records: place };
    const { rung, resource } = place;
    return { state: "paused", reason: { kind: "rung-incomplete", rung, unit, resource }, records: place };
  };
  return {
    ...unscheduled,
    rounds: {
      unit,
      brackets,
      close: (place, standings) => {
        const ranking = rank(standings, eta);
        return isTop(place) ? { ...ranking, promoted: [] } : ranking;
      },
    },
    levels,
    eta,
    start: (ordinal) => {
      const bracket = brackets.of(ordinal);
      return { bracket, rung: 0, resource: brackets.resources(bracket)[0] ?? 0 };
    },
    report: () => ({
      decision: "continue",
      reason: { kind: "decided-in-rounds", scheduler: name },
      records: null,
    }),
    end,
  };
};

/** Ranks a complete rung (`inOrder`). A trial that failed is never promoted. */
export const rank = (standings: readonly Standing[], eta: number): Ranking => {
  const sorted = inOrder(standings);
  const alive = sorted.filter((standing) => !hasFailed(standing)).length;
  const order = sorted.map(({ trial }) => trial);
  return { order, promoted: order.slice(0, Math.min(alive, promotedOf(standings.length, eta))) };
};

/** Trials that one rung may have: its item in the store holds their numbers three times. */
export const MOST_MEMBERS = 10_000;

/** What is wrong with a study in rounds: the bottom rung of a bracket is its widest. */
export const checkRounds = (
  name: string,
  { brackets }: Pick<InRounds, "brackets">,
  { trials }: Pick<SchedulerSetting, "trials">,
): FieldError[] => {
  const widths = Array.from({ length: brackets.count(trials) }, (_, bracket) => {
    const [from, to] = brackets.range(bracket);
    return Math.min(to, trials) - from;
  });
  return widths.some((width) => width > MOST_MEMBERS)
    ? [
        {
          pointer: "/budget/trials",
          fault: { kind: "too-many-in-rung", scheduler: name, most: MOST_MEMBERS },
        },
      ]
    : [];
};
