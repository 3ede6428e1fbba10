import { type History, type Repeats, TrialKind } from "../algorithm.ts";

/** A configuration that was tried, with what became of its trials. */
interface Tried {
  readonly x: Float64Array;
  /** Completed or pruned, failed, running. */
  ended: number;
  failed: number;
  running: number;
  /** The lowest first cost that it had; Infinity while it has none. */
  best: number;
}

/** A configuration that is tried once more. */
export interface Again {
  readonly x: Float64Array;
  readonly why: string;
}

/**
 * Configurations that may be tried once more, when nothing new is left: those that failed in all their trials, as often as
 * the study allows it, and those that completed, for a noisy objective. Those with the fewest trials come first, among them
 * the best.
 * @param d parameters. @param m objectives of `History.y`.
 */
export function* triedAgain(
  history: History,
  d: number,
  m: number,
  repeats: Repeats,
  wanted: number,
): Generator<Again> {
  const known = configurationsOf(history, d, m);
  for (let found = 0; found < wanted; ) {
    const next = neediest(known, repeats);
    if (next === null) return;
    const isFailed = next.ended === 0;
    const trials = next.ended + next.failed + next.running;
    next.running++;
    found++;
    yield {
      x: next.x.slice(),
      why: isFailed ? "once more: it failed" : `once more: its trial number ${trials + 1}`,
    };
  }
}

const configurationsOf = ({ n, x, y, kind }: History, d: number, m: number): Tried[] => {
  const known = new Map<string, Tried>();
  for (let row = 0; row < n; row++) {
    const point = x.subarray(row * d, (row + 1) * d);
    const key = point.join(" ");
    const tried = known.get(key) ?? { x: point, ended: 0, failed: 0, running: 0, best: Infinity };
    known.set(key, tried);
    if (kind[row] === TrialKind.running) tried.running++;
    else if (kind[row] === TrialKind.failed) tried.failed++;
    else {
      tried.ended++;
      const cost = y[row * m] ?? Number.NaN;
      if (cost < tried.best) tried.best = cost;
    }
  }
  return [...known.values()];
};

const mayRepeat = ({ ended, failed, running }: Tried, repeats: Repeats): boolean =>
  ended > 0
    ? ended + failed + running < 1 + repeats.completed
    : running === 0 && failed > 0 && failed < 1 + repeats.failed;

/** The one with the fewest trials, among these the best; null when none may be repeated. */
const neediest = (known: readonly Tried[], repeats: Repeats): Tried | null => {
  let next: Tried | null = null;
  for (const each of known) {
    if (mayRepeat(each, repeats) && (next === null || byNeed(each, next) < 0)) next = each;
  }
  return next;
};

const byNeed = (a: Tried, b: Tried): number =>
  a.ended + a.failed + a.running - (b.ended + b.failed + b.running) || compare(a.best, b.best);

const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);
