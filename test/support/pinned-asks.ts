import { createRandom } from "../../shared/numerics/random.ts";
import { type AlgorithmName, type Hint, type Problem, TrialKind } from "../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import { sampleCube } from "../../shared/space/sample.ts";
import { type NamedSpace, spaces } from "./spaces.ts";

/**
 * A few asks of every algorithm whose answers are pinned in `test/fixtures/proposals`: proposals of an algorithm stay the
 * same for the same seed until its `revision` is raised.
 */

/** What one ask proposed: per trial the algorithm that chose it, and the first coordinates of its point. */
export interface PinnedAsk {
  readonly ask: string;
  readonly proposals: readonly { readonly algorithm: string; readonly x: readonly (number | null)[] }[];
}

/** Coordinates kept per proposal, and the digits of each. */
const KEPT = 10;
const DIGITS = 9;

const PINNED_SPACES = ["mixed", "nested conditions", "linear constraints", "forbidden combinations"] as const;
const WIDE = "100 dimensions";

interface Situation {
  readonly trials: number;
  readonly count: number;
  readonly objectives: number;
  readonly outcomes: number;
  readonly options: Problem["options"];
}

const plain = (trials: number, count: number): Situation => ({
  trials,
  count,
  objectives: 1,
  outcomes: 0,
  options: {},
});

const situations: readonly Situation[] = [
  plain(0, 3),
  plain(25, 2),
  plain(90, 3),
  { ...plain(40, 2), objectives: 2, outcomes: 1 },
];

/** Options beside the defaults, for the algorithms that have any. */
const optionsOf: Partial<Record<AlgorithmName, Problem["options"]>> = {
  grid: { points: 3 },
  tpe: { startup: 5, candidates: 40 },
  gp: { startup: 40 },
  smac: { startup: 6 },
  harmonica: { stages: 2, samples: 12, degree: 2, monomials: 3 },
  "cma-es": { population: 6 },
  evolution: { population: 8 },
  nsga2: { population: 8 },
};

/** Ends of every kind; the last four trials run. */
const rowsOf = ({ space }: NamedSpace, { trials, objectives, outcomes }: Situation): HistoryRow[] => {
  const random = createRandom(trials, objectives);
  return Array.from({ length: trials }, (_, number): HistoryRow => {
    const x = sampleCube(space, random);
    if (number >= trials - 4) return { number, x };
    if (number % 9 === 4) return { number, x, kind: TrialKind.failed };
    const distance = (centre: number) =>
      x.reduce((sum, u) => sum + (Number.isNaN(u) ? 0.1 : (u - centre) ** 2), 0);
    const excess = Array.from({ length: outcomes }, () => distance(0.9) - 0.4 * x.length);
    return {
      number,
      x,
      y: Array.from({ length: objectives }, (_, j) => distance(0.2 + 0.3 * j)),
      excess,
      violation: excess.reduce((sum, e) => sum + Math.max(0, e), 0),
      ...(number % 7 === 2 && { kind: TrialKind.pruned, resource: 1 + (number % 3) }),
    };
  });
};

const pin = (u: number) => (Number.isNaN(u) ? null : Number(u.toFixed(DIGITS)));

const ask = (
  name: AlgorithmName,
  named: NamedSpace,
  situation: Situation,
  hint: Hint | null,
): { pinned: PinnedAsk; hint: Hint | null } => {
  const { trials, count, objectives, outcomes, options } = situation;
  const { space } = named;
  const history = buildHistory(space, objectives, rowsOf(named, situation), outcomes);
  const problem = { space, objectives, outcomes, budget: { trials: 400, parallel: 4 }, options };
  const answered = askAlgorithm(problem, name, history, count, 11, trials, { hint });
  const proposals = answered.proposals.map(({ algorithm, x }) => ({
    algorithm,
    x: Array.from(x.subarray(0, KEPT), pin),
  }));
  const title = `${named.name}, ${trials} trials, ${objectives} objectives, ${JSON.stringify(options)}`;
  return { pinned: { ask: hint === null ? title : `${title}, hint`, proposals }, hint: answered.hint };
};

/** Every pinned ask of an algorithm. */
export const pinnedAsks = (name: AlgorithmName): PinnedAsk[] => {
  const byName = new Map(spaces.map((named) => [named.name, named]));
  const asks: PinnedAsk[] = [];
  const options = optionsOf[name];
  for (const spaceName of PINNED_SPACES) {
    const named = byName.get(spaceName)!;
    for (const situation of situations) {
      const { pinned, hint } = ask(name, named, situation, null);
      asks.push(pinned);
      if (hint !== null) asks.push(ask(name, named, situation, hint).pinned);
    }
    if (options !== undefined) asks.push(ask(name, named, { ...plain(30, 2), options }, null).pinned);
  }
  const wide = byName.get(WIDE)!;
  for (const trials of [0, 60]) asks.push(ask(name, wide, plain(trials, 2), null).pinned);
  return asks;
};
