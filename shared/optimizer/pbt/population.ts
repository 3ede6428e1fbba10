import { type History, type Segments, TrialKind } from "../algorithm.ts";

/**
 * The population as its segments tell. A member is a run of its own: its segments bear its number as their bracket and their
 * generation as their rung, whoever's checkpoint each of them began from. Members are numbered in the order in which they began; each
 * `population` of them make up a cohort, whose members compete with nobody else, and the next cohort begins when all have ended.
 */

export interface Member {
  readonly id: number;
  /** Row of its newest segment. */
  readonly newest: number;
  /** The generation that it goes on from: that of its newest segment, or the one before until that is committed; -1 from none. */
  readonly from: number;
  /**
   * `waiting`: it goes on; `lost`: its newest segment failed, was pruned or left no checkpoint, so it goes on from somebody else's;
   * `ended`: it has come to its end.
   */
  readonly state: "running" | "waiting" | "lost" | "ended";
}

/** Whether others may go on from a segment: it has a result, and a checkpoint that was committed. */
export const isCommitted = ({ kind, checkpoint }: History, row: number): boolean =>
  kind[row] === TrialKind.completed && checkpoint?.[row] === 1;

const isSegment = ({ bracket, rung }: History, row: number): boolean =>
  (bracket?.[row] ?? -1) >= 0 && (rung?.[row] ?? -1) >= 0;

/** The generation of a segment, from 0. */
export const generationOf = ({ rung }: History, row: number): number => rung?.[row] ?? -1;

/** Whether a segment of a generation is the last of its run. */
const isLast = (generation: number, { length, end }: Segments): boolean => (generation + 1) * length >= end;

const memberOf = (history: History, id: number, newest: number, segments: Segments): Member => {
  const generation = generationOf(history, newest);
  const before = { id, newest, from: generation - 1 };
  if (history.kind[newest] === TrialKind.running) return { ...before, state: "running" };
  if (history.kind[newest] === TrialKind.completed && isLast(generation, segments)) {
    return { id, newest, from: generation, state: "ended" };
  }
  if (!isCommitted(history, newest)) return { ...before, state: "lost" };
  return { id, newest, from: generation, state: "waiting" };
};

/** All cohorts, the oldest first. O(n). */
export const cohortsOf = (history: History, segments: Segments, population: number): Member[][] => {
  // A member's segments follow one another, so the last row is the newest.
  const newest = new Map<number, number>();
  for (let row = 0; row < history.n; row++) {
    if (isSegment(history, row)) newest.set(history.bracket![row]!, row);
  }
  const members = [...newest]
    .sort(([a], [b]) => a - b)
    .map(([id, row]) => memberOf(history, id, row, segments));
  return Array.from({ length: Math.ceil(members.length / population) }, (_, c) =>
    members.slice(c * population, (c + 1) * population),
  );
};

const hasEnded = (cohort: readonly Member[], population: number): boolean =>
  cohort.length === population && cohort.every(({ state }) => state === "ended");

/** The first cohort that has not ended; an empty one, which is to begin, when all have. */
export const cohortInTurn = (cohorts: readonly Member[][], population: number): readonly Member[] =>
  cohorts.find((cohort) => !hasEnded(cohort, population)) ?? [];

/** The committed segments of a cohort's members by their generation. O(n). */
export const committedOf = (history: History, cohort: readonly Member[]): Map<number, number[]> => {
  const members = new Set(cohort.map(({ id }) => id));
  const generations = new Map<number, number[]>();
  for (let row = 0; row < history.n; row++) {
    if (!isSegment(history, row) || !isCommitted(history, row)) continue;
    if (!members.has(history.bracket![row]!)) continue;
    const generation = generationOf(history, row);
    generations.set(generation, [...(generations.get(generation) ?? []), row]);
  }
  return generations;
};

/**
 * Tells which checkpoints somebody may still begin from, or begins from now and may have to fetch again. Once nobody needs one,
 * nobody ever will, as long as the size of the population stays: members only rise, and a member that begins later belongs to a
 * cohort that is not full or has no segments yet.
 */
export const neededCheckpoints = (
  history: History,
  segments: Segments,
  population: number,
): ((row: number) => boolean) => {
  const least = new Map<number, number>();
  for (const cohort of cohortsOf(history, segments, population)) {
    const going = cohort.filter(({ state }) => state !== "ended").map(({ from }) => from);
    const lowest = cohort.length < population ? -1 : Math.min(Number.POSITIVE_INFINITY, ...going);
    for (const { id } of cohort) least.set(id, lowest);
  }
  return (row) => {
    if (!isSegment(history, row) || !isCommitted(history, row)) return false;
    const generation = generationOf(history, row);
    return !isLast(generation, segments) && generation >= (least.get(history.bracket![row]!) ?? Number.NaN);
  };
};
