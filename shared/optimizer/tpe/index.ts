import type { Random } from "../../numerics/random.ts";
import { isAllowed } from "../../space/constraints.ts";
import { sampleCube } from "../../space/sample.ts";
import type { Algorithm, History, Proposal, SeededProblem } from "../algorithm.ts";
import { createFresh, type Fresh } from "../fresh.ts";
import { withRunning } from "../history.ts";
import { sobolPointOf } from "../sobol.ts";
import { createParzen } from "./parzen.ts";
import { split } from "./split.ts";

const STARTUP = 10;
const CANDIDATES = 24;
/** Bad trials beyond this are thinned out evenly, so that an ask at 100,000 trials costs what one at 1,000 does. */
const MAX_BAD = 1000;

const option = (problem: SeededProblem, name: string, fallback: number): number => {
  const value = problem.options[name];
  return typeof value === "number" ? value : fallback;
};

/**
 * Tree-structured Parzen estimator, multivariate. Sources: Bergstra et al. 2011, section 4; Watanabe 2023.
 * Cost of an ask: O(n) to split n trials, then O(candidates * min(n, 1000) * parameters).
 */
export const tpe: Algorithm = {
  name: "tpe",
  revision: 1,
  propose: (problem, history, count, random) => {
    const fresh = createFresh(problem.space, history);
    const proposals: Proposal[] = [];
    for (let i = 0; i < count; i++) {
      const known = withRunning(history, problem.space.parameters.length, fresh.taken);
      const { good, bad, ranked } = split(known, problem.objectives);
      const isStart = ranked < option(problem, "startup", STARTUP);
      const x = isStart
        ? sobolPointOf(problem, problem.firstNumber + i, fresh)
        : bestCandidate(problem, known, good, bad, fresh, random);
      if (x === null) continue;
      fresh.take(x);
      proposals.push({ x, algorithm: "tpe", why: isStart ? "initial design" : "greatest l(x)/g(x)" });
    }
    return proposals;
  },
};

/** Of points drawn from the good trials' density, the one where it exceeds the bad trials' density most. */
const bestCandidate = (
  problem: SeededProblem,
  history: History,
  good: readonly number[],
  bad: readonly number[],
  fresh: Fresh,
  random: Random,
): Float64Array | null => {
  const { space } = problem;
  const thinned = thin(bad, MAX_BAD);
  const l = createParzen(space, history.x, good, null);
  const g = createParzen(space, history.x, thinned, null);
  let best: Float64Array | null = null;
  let most = -Infinity;
  for (let i = 0; i < option(problem, "candidates", CANDIDATES); i++) {
    const x = l.sample(random);
    const candidate = isAllowed(space, x) ? x : sampleCube(space, random);
    if (!fresh.accepts(candidate)) continue;
    const ratio = l.logDensity(candidate) - g.logDensity(candidate);
    if (ratio > most) [best, most] = [candidate, ratio];
  }
  return best;
};

/** At most `most` of the rows, evenly spread over their order, the newest among them. */
const thin = (rows: readonly number[], most: number): readonly number[] =>
  rows.length <= most
    ? rows
    : Array.from({ length: most }, (_, i) => rows[Math.ceil(((i + 1) * rows.length) / most) - 1]!);
