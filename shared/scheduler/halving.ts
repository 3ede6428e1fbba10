import { type Brackets, promotedOf } from "./ladder.ts";
import { compareIn, promotable, type Rung } from "./rung-table.ts";
import type {
  Place,
  Progress,
  Resumption,
  RungPlace,
  Rungs,
  Scheduler,
  SchedulerReport,
  TrialEnd,
  Verdict,
} from "./scheduler.ts";
import { hasFailed } from "./standing.ts";

/**
 * Successive halving in all its forms: at each rung of a ladder the best 1/eta of the trials go on. Sources: Jamieson and Talwalkar
 * 2016 (synchronous), Li et al. 2020 (ASHA, by promotion), Klein et al. 2020 (ASHA, by stopping).
 *
 * - `stopping`: a trial runs on from rung to rung and is stopped at the first where it is not among the best so far. Nothing is
 *   paused, so programs need no checkpoints.
 * - `promotion`: a trial is paused at every rung; an ask resumes the paused one that is among the best of the highest rung.
 * - `synchronous`: the same, but a rung is decided only when all its trials have come to it.
 */
export type Mode = "stopping" | "promotion" | "synchronous";

export interface Halving {
  readonly unit: string;
  readonly eta: number;
  readonly mode: Mode;
  readonly brackets: Brackets;
  /** Resources at which trials of all brackets are compared, rising. */
  readonly levels: readonly number[];
  /** The rung where the ladder ends for now; its top when left out. */
  readonly topOf?: (bracket: number, rungs: Rungs) => number;
}

/** Of those that wait at a rung, where nothing is awaited, as many are kept. */
const WAITING = 64;

/** The scheduler for trials that reports and asks carry, in no rounds. */
export const halvingScheduler = (halving: Halving): Scheduler => ({
  rounds: null,
  levels: halving.levels,
  eta: halving.eta,
  start: (ordinal) => startOf(halving, ordinal),
  nextStep: (place) => nextStep(halving, place),
  watches: (place, step) => watched(halving, place, step),
  keeps: (place) => roomAt(halving, place),
  report: (report, rung) => decide(halving, report, rung),
  end: (place) => endAt(halving, place),
  firstBracket: (trials) => halving.brackets.first(trials),
  resume: (rungs, progress, count) => resumed(halving, rungs, progress, count),
});

const resourceAt = ({ brackets }: Halving, { bracket, rung }: RungPlace): number | undefined =>
  brackets.resources(bracket)[rung];

const topRung = ({ brackets }: Halving, bracket: number): number => brackets.resources(bracket).length - 1;

const startOf = (halving: Halving, ordinal: number): Place => {
  const bracket = halving.brackets.of(ordinal);
  return placeAt(halving, { bracket, rung: 0 });
};

/** Where trials can be stopped at any rung they run to the top; where they are paused, to their rung. */
const placeAt = (halving: Halving, { bracket, rung }: RungPlace): Place => {
  const resources = halving.brackets.resources(bracket);
  const goal = halving.mode === "stopping" ? resources.length - 1 : rung;
  return { bracket, rung, resource: resources[goal] ?? 0 };
};

/** The highest rung that a step has reached, of those that are not decided yet. */
const watched = (halving: Halving, place: Place | null, step: number): RungPlace | null => {
  if (place === null) return null;
  const { bracket } = place;
  const resources = halving.brackets.resources(bracket);
  const reached = resources.findLastIndex((resource) => resource <= step);
  const rung = halving.mode === "stopping" ? reached : Math.min(reached, place.rung);
  return rung < place.rung || rung >= topRung(halving, bracket) ? null : { bracket, rung };
};

/** How many waiting trials the tables of a rung keep, each. */
const roomAt = ({ mode, brackets, eta }: Halving, { bracket, rung }: RungPlace): number => {
  if (mode === "stopping") return 0;
  if (mode === "promotion") return WAITING;
  const [from, to] = brackets.range(bracket);
  return Math.max(WAITING, Math.min(MOST_WAITING, Math.ceil((to - from) / eta ** (rung + 1))));
};

/** Of a synchronous rung, whose best are awaited: what a table can hold. */
const MOST_WAITING = 4096;

const decide = (halving: Halving, { place, step, standing }: SchedulerReport, rung: Rung): Verdict => {
  const { unit, eta } = halving;
  const at = watched(halving, place, step);
  if (place === null || at === null) {
    return goingOn({ kind: "before-rung", unit, next: nextStep(halving, place) });
  }
  if (hasFailed(standing)) return goingOn({ kind: "objective-missing" });
  const resource = resourceAt(halving, at) ?? step;
  const facts = { rung: at.rung, unit, resource };
  const comparison = compareIn(rung, standing, (of) => Math.floor(of / eta));
  if (halving.mode !== "stopping") {
    const reason =
      halving.mode === "synchronous"
        ? ({ kind: "rung-incomplete", ...facts } as const)
        : ({ kind: "rung-waits", ...facts, ...comparison } as const);
    return { decision: "pause", reason, comparison, records: at };
  }
  const next = placeAt(halving, { bracket: at.bracket, rung: at.rung + 1 });
  if (comparison.of < eta) {
    const reason = { kind: "rung-too-few", ...facts, of: comparison.of, needed: eta } as const;
    return { decision: "continue", reason, records: at, place: next };
  }
  const reason = { kind: "rung-rank", ...facts, ...comparison } as const;
  return comparison.rank <= comparison.goOn
    ? { decision: "continue", reason, comparison, records: at, place: next }
    : { decision: "stop", reason, comparison, records: at };
};

const goingOn = (reason: Verdict["reason"]): Verdict => ({ decision: "continue", reason, records: null });

/** Where a trial is compared next; null when it is not before its end. */
const nextStep = (halving: Halving, place: Place | null): number | null => {
  if (place === null || place.rung >= topRung(halving, place.bracket)) return null;
  return resourceAt(halving, place) ?? null;
};

const endAt = (halving: Halving, place: Place | null): TrialEnd => {
  if (place === null) return { state: "completed", reason: null, records: null };
  const { bracket, rung } = place;
  // Nobody is compared at the top, and where nobody is paused nobody asks who came there.
  if (halving.mode === "stopping") return { state: "completed", reason: null, records: null };
  if (rung >= topRung(halving, bracket)) {
    return { state: "completed", reason: null, records: { bracket, rung } };
  }
  const { unit } = halving;
  return {
    state: "paused",
    reason: { kind: "rung-incomplete", rung, unit, resource: place.resource },
    records: { bracket, rung },
  };
};

/** The rung at which a bracket ends for now. */
const currentTop = (halving: Halving, bracket: number, rungs: Rungs): number =>
  halving.topOf?.(bracket, rungs) ?? topRung(halving, bracket);

/** The brackets that trials are in. */
const bracketsOf = ({ brackets }: Halving, { trials }: Progress): number[] => {
  const first = brackets.first(trials);
  return Array.from({ length: brackets.count(trials) - first }, (_, i) => first + i);
};

/** Rungs whose trials may go on, the highest resource first. */
const climbable = (halving: Halving, rungs: Rungs, progress: Progress): RungPlace[] => {
  const resource = (place: RungPlace) => resourceAt(halving, place) ?? 0;
  return bracketsOf(halving, progress)
    .flatMap((bracket) =>
      Array.from({ length: currentTop(halving, bracket, rungs) }, (_, rung) => ({ bracket, rung })),
    )
    .sort((a, b) => resource(b) - resource(a) || a.bracket - b.bracket);
};

const resumed = (halving: Halving, rungs: Rungs, progress: Progress, count: number): Resumption[] => {
  if (halving.mode === "stopping") return [];
  const found: Resumption[] = [];
  const allowed = new Map(
    bracketsOf(halving, progress).map((bracket) => [bracket, allowedIn(halving, rungs, progress, bracket)]),
  );
  for (const from of climbable(halving, rungs, progress)) {
    if (found.length >= count) break;
    const goOn = allowed.get(from.bracket)?.[from.rung] ?? 0;
    const next = promotable(rungs(from), rungs(above(from)), goOn).slice(0, count - found.length);
    found.push(...next.map(({ trial }) => toNextRung(halving, from, trial)));
  }
  return found.length === 0 && isAtAnEnd(progress) ? lastResort(halving, rungs, progress) : found;
};

const above = ({ bracket, rung }: RungPlace): RungPlace => ({ bracket, rung: rung + 1 });

const toNextRung = (halving: Halving, from: RungPlace, trial: number): Resumption => ({
  trial,
  from,
  place: placeAt(halving, above(from)),
});

/** Of those that wait at a rung, so many are offered to a model that chooses. */
const OFFERED = 24;

/** The best of those that wait at each rung below the top, the highest rung first. */
export const waitingIn = (halving: Halving, rungs: Rungs, progress: Progress): Resumption[] =>
  climbable(halving, rungs, progress).flatMap((from) =>
    rungs(from)
      .waiting.slice(0, OFFERED)
      .map(({ trial }) => toNextRung(halving, from, trial)),
  );

/**
 * How many of each rung of a bracket may have gone on by now, from the bottom. Of a synchronous bracket, those of a rung when all
 * that will ever come to it have come: to the bottom all that begin there, to another all that went on from the one below.
 */
const allowedIn = (halving: Halving, rungs: Rungs, progress: Progress, bracket: number): number[] => {
  const { mode, eta } = halving;
  const tops = Array.from({ length: topRung(halving, bracket) }, (_, rung) => rung);
  if (mode === "promotion") return tops.map((rung) => Math.floor(rungs({ bracket, rung }).entered / eta));
  const allowed: number[] = [];
  for (const rung of tops) {
    const { entered, failed } = rungs({ bracket, rung });
    const awaited = awaitedAt(halving, rungs, progress, { bracket, rung }, allowed.at(-1) ?? 0);
    if (awaited === null || entered + failed < awaited) break;
    allowed.push(promotedOf(entered + failed, eta));
  }
  return allowed;
};

/**
 * How many trials come to a synchronous rung, those included that fail on their way; null while it is not known, and for none.
 * @param allowed how many of the rung below, which is complete, go on.
 */
const awaitedAt = (
  halving: Halving,
  rungs: Rungs,
  { trials, mayStart }: Progress,
  place: RungPlace,
  allowed: number,
): number | null => {
  const { bracket, rung } = place;
  if (rung === 0) {
    const [from, to] = halving.brackets.range(bracket);
    const begun = Math.min(to, trials) - from;
    return (trials >= to || !mayStart) && begun > 0 ? begun : null;
  }
  const below = rungs({ bracket, rung: rung - 1 });
  const isWaiting = promotable(below, rungs(place), allowed).length > 0;
  return isWaiting || below.promoted === 0 ? null : below.promoted;
};

/** Nothing runs, and nothing new may be started. */
const isAtAnEnd = ({ mayStart, busy }: Progress): boolean => !mayStart && busy === 0;

/**
 * A ladder with few trials promotes none, but one of them must reach its top: while none has, the best one of the highest rung
 * where any waits goes on alone.
 */
const lastResort = (halving: Halving, rungs: Rungs, progress: Progress): Resumption[] => {
  const hasArrived = bracketsOf(halving, progress).some(
    (bracket) => rungs({ bracket, rung: currentTop(halving, bracket, rungs) }).entered > 0,
  );
  if (hasArrived) return [];
  const from = climbable(halving, rungs, progress).find((place) => rungs(place).waiting.length > 0);
  if (from === undefined) return [];
  const [best] = promotable(rungs(from), rungs(above(from)), Number.POSITIVE_INFINITY);
  return best === undefined ? [] : [toNextRung(halving, from, best.trial)];
};
