import { createRandom } from "../../shared/numerics/random.ts";
import { type Hint, TrialKind } from "../../shared/optimizer/algorithm.ts";
import type { AlgorithmChoice } from "../../shared/optimizer/choice.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import { type AlgorithmName, algorithms } from "../../shared/optimizer/registry.ts";
import { sampleCube } from "../../shared/space/sample.ts";
import { type NamedSpace, spaceNamed } from "./spaces.ts";

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
}

const plain = (trials: number, count: number): Situation => ({
  trials,
  count,
  objectives: 1,
  outcomes: 0,
});

const situations: readonly Situation[] = [
  plain(0, 3),
  plain(25, 2),
  plain(90, 3),
  { ...plain(40, 2), objectives: 2, outcomes: 1 },
];

/** Options other than the defaults, for the algorithms that have any. */
const withOptions: readonly AlgorithmChoice[] = [
  { name: "grid", points: 3 },
  { name: "tpe", startup: 5, candidates: 40 },
  { name: "gp", startup: 40 },
  { name: "smac", startup: 6 },
  { name: "harmonica", stages: 2, samples: 12, degree: 2, monomials: 3 },
  { name: "cma-es", population: 6 },
  { name: "evolution", population: 8 },
  { name: "nsga2", population: 8 },
  { name: "pbt", population: 4, selection: "truncation", quantile: 0.5, resample: 0.5 },
];

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
  choice: AlgorithmChoice,
  named: NamedSpace,
  situation: Situation,
  hint: Hint | null,
): { pinned: PinnedAsk; hint: Hint | null } => {
  const { trials, count, objectives, outcomes } = situation;
  const { space } = named;
  const history = buildHistory(space, objectives, rowsOf(named, situation), outcomes);
  const problem = { space, objectives, outcomes, budget: { trials: 400, parallel: 4 } };
  const answered = askAlgorithm({
    problem,
    choice,
    history,
    count,
    seed: 11,
    firstNumber: trials,
    hint,
  });
  const proposals = answered.proposals.map(({ algorithm, x }) => ({
    algorithm,
    x: Array.from(x.subarray(0, KEPT), pin),
  }));
  const { name: _, ...options } = choice;
  const title = `${named.name}, ${trials} trials, ${objectives} objectives, ${JSON.stringify(options)}`;
  return { pinned: { ask: hint === null ? title : `${title}, hint`, proposals }, hint: answered.hint };
};

/** So many trials of a bowl with steep walls that tell its gradient, each asked after those before it. */
const FOLLOWED = 9;

const followed = (name: AlgorithmName, { space }: NamedSpace): PinnedAsk => {
  const rows: HistoryRow[] = [];
  const problem = { space, objectives: 1, budget: { trials: FOLLOWED, parallel: 1 } };
  const proposals = Array.from({ length: FOLLOWED }, (_, number) => {
    const history = buildHistory(space, 1, rows);
    const asked = { problem, choice: { name }, history, count: 1, seed: 11, firstNumber: number };
    const { x, algorithm, parent } = askAlgorithm(asked).proposals[0]!;
    const moved = x.map((u) => u - 0.3);
    const all = moved.reduce((sum, u) => sum + u, 0);
    const y = moved.reduce((sum, u, j) => sum + (j + 1) * (u ** 2 / 2 + 2 * u ** 4), all ** 2 / 2);
    const gradient = moved.map((u, j) => (j + 1) * (u + 8 * u ** 3) + all);
    rows.push({
      ...{ number, x, kind: TrialKind.completed, y: [y], gradient },
      ...(parent !== undefined && { parent }),
    });
    return { algorithm, x: Array.from(x.subarray(0, KEPT), pin) };
  });
  return { ask: `${WIDE}, ${FOLLOWED} trials that tell gradients`, proposals };
};

/** Every pinned ask of an algorithm. */
export const pinnedAsks = (name: AlgorithmName): PinnedAsk[] => {
  const asks: PinnedAsk[] = [];
  const choice = withOptions.find((one) => one.name === name);
  for (const spaceName of PINNED_SPACES) {
    const named = spaceNamed(spaceName);
    for (const situation of situations) {
      const { pinned, hint } = ask({ name }, named, situation, null);
      asks.push(pinned);
      if (hint !== null) asks.push(ask({ name }, named, situation, hint).pinned);
    }
    if (choice !== undefined) asks.push(ask(choice, named, plain(30, 2), null).pinned);
  }
  const wide = spaceNamed(WIDE);
  for (const trials of [0, 60]) asks.push(ask({ name }, wide, plain(trials, 2), null).pinned);
  if (algorithms[name].gradients === "follows") asks.push(followed(name, wide));
  return asks;
};
