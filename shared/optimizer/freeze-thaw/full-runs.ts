import { type Draft, type History, type Levels, type SeededProblem, TrialKind } from "../algorithm.ts";
import { hasCome } from "../common/fidelity.ts";
import { createFresh } from "../common/fresh.ts";
import { selectRows } from "../common/select-rows.ts";
import { gp } from "../gp/index.ts";
import { proposeWith } from "../propose.ts";

/**
 * Trials that run to their end without a comparison on the way. Curves cross: what begins badly may end best, and a search that leaves
 * such trials early never learns of it. A part of the resource therefore goes to a plain search over results at the end, so that a
 * study can fall behind one without a scheduler by no more than this part.
 */

/** The bracket of such trials, as the scheduler `freeze-thaw` numbers them. */
export const FULL_BRACKET = 1;
/** The part of all resource that they get. */
const SHARE = 1 / 2;

/** How many of the next trials run to the end. @param count how many begin or go on. */
export const fullRunsDue = (
  { n, bracket, resource }: History,
  { resources }: Levels,
  count: number,
): number => {
  const run = resources.at(-1) ?? 0;
  let full = 0;
  let all = 0;
  for (let row = 0; row < n; row++) {
    const spent = resource[row]!;
    if (!Number.isFinite(spent)) continue;
    all += spent;
    if (bracket?.[row] === FULL_BRACKET) full += spent;
  }
  let due = 0;
  while (due < count && full + (due + 1) * run <= SHARE * (all + (due + 1) * run)) due++;
  return due;
};

/** Proposes them, by the results of those that came to the end; fewer where the space holds little that is new. */
export const proposeFullRuns = (
  problem: SeededProblem,
  history: History,
  levels: Levels,
  count: number,
): Draft[] => {
  const resource = levels.resources.at(-1);
  const top = levels.resources.length - 1;
  const rows = Array.from({ length: history.n }, (_, row) => row).filter(
    (row) =>
      history.kind[row] === TrialKind.failed ||
      hasCome(levels, row, top, problem.objectives) ||
      (history.kind[row] === TrialKind.running && history.bracket?.[row] === FULL_BRACKET),
  );
  const { levels: _, ...ended } = selectRows(history, rows);
  const { proposals } = proposeWith(gp, { ...problem, options: {}, hint: null }, ended, count);
  const fresh = createFresh(problem.space, history);
  const untried = proposals.filter(({ x }) => fresh.accepts(x));
  return untried.map((proposal) => ({
    ...proposal,
    why: `${proposal.why}, run to the end`,
    ...(resource !== undefined && { resource }),
  }));
};
