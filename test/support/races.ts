import { createRandom } from "../../shared/numerics/random.ts";
import { type Problem, TrialKind } from "../../shared/optimizer/algorithm.ts";
import { firstRaceOf } from "../../shared/optimizer/choice.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { RACE_TESTS } from "../../shared/optimizer/irace/elimination.ts";
import { type IraceOptions, racesOf } from "../../shared/optimizer/irace/index.ts";
import type { Replay } from "../../shared/optimizer/irace/replay.ts";
import type { Proposed } from "../../shared/optimizer/propose.ts";
import { askForRuns } from "../../shared/optimizer/runs.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import type { Space } from "../../shared/space/space.ts";

/** Races without a service: workers that ask, run and tell in an order that a seed decides. */

export const raceSpace = compileSpace({
  x: { type: "float", low: 0, high: 1 },
  y: { type: "float", low: 0.001, high: 1, scale: "log" },
  kind: { type: "categorical", choices: ["a", "b", "c"] },
  depth: { type: "int", low: 1, high: 9, when: { kind: ["a", "b"] } },
});

export interface RaceWorld {
  readonly space: Space;
  readonly runs: number;
  /** All different if left out. */
  readonly instances?: number;
  readonly trials: number;
  readonly workers: number;
  readonly seed: number;
  readonly options?: IraceOptions;
  /** Configurations of the client, which enter the first race. */
  readonly initial?: readonly Float64Array[];
  /** The cost of a run; null when it fails. */
  readonly cost: (x: ArrayLike<number>, instance: number, configuration: number) => number | null;
}

export interface Raced extends Replay {
  readonly rows: readonly HistoryRow[];
  readonly isExhausted: boolean;
}

const problemOf = ({ space, runs, instances, trials, workers }: RaceWorld): Problem => ({
  space,
  objectives: 1,
  budget: { trials, parallel: workers },
  runs,
  ...(instances !== undefined && { instances }),
});

/** The races as they are with these rows. */
export const replayOf = (world: RaceWorld, rows: readonly HistoryRow[]): Replay =>
  racesOf(
    {
      ...problemOf(world),
      options: world.options ?? {},
      seed: world.seed,
      firstNumber: rows.length,
      hint: null,
      isLate: () => false,
    },
    buildHistory(world.space, 1, rows),
  );

/** Runs a study until nothing is left, or until `until` rows are there. */
export const runRaces = (world: RaceWorld, order = 1, until = Infinity): Raced => {
  const { space, trials, workers, seed, options, initial = [], cost } = world;
  const random = createRandom(order);
  const rows: HistoryRow[] = [];
  const running: number[] = [];
  const { instance, iteration } = firstRaceOf({ name: "irace", ...options }, problemOf(world), seed)!;
  for (const x of initial) {
    running.push(rows.length);
    rows.push({ number: rows.length, x, instance, iteration, configuration: rows.length });
  }
  let isExhausted = false;
  while (rows.length < Math.min(trials, until) || running.length > 0) {
    const room = Math.min(workers - running.length, trials - rows.length);
    const wanted: number =
      rows.length >= until || isExhausted ? 0 : Math.min(room, 1 + random.integer(workers));
    const asked: Proposed | null =
      wanted === 0
        ? null
        : askForRuns({
            problem: problemOf(world),
            choice: { name: "irace", ...options },
            history: buildHistory(space, 1, rows),
            count: wanted,
            seed,
            firstNumber: rows.length,
          });
    isExhausted ||= asked?.isExhausted ?? false;
    for (const { x, instance, configuration, iteration } of asked?.proposals ?? []) {
      running.push(rows.length);
      rows.push({ number: rows.length, x, instance, configuration, iteration } as HistoryRow);
    }
    if (running.length === 0) break;
    const ends = 1 + random.integer(running.length);
    for (let i = 0; i < ends; i++) {
      const [number = 0] = running.splice(random.integer(running.length), 1);
      const row = rows[number]!;
      const told = cost(row.x, row.instance ?? 0, row.configuration ?? 0);
      rows[number] = { ...row, ...(told === null ? { kind: TrialKind.failed } : { y: [told] }) };
    }
  }
  return { rows, isExhausted, ...replayOf(world, rows) };
};

/** The noise of a run: the same for the same configuration and instance, whoever asks. */
export const noiseOf = (seed: number, configuration: number, instance: number): number =>
  createRandom(seed, configuration, instance).normal();

/** Races that are pinned in `test/fixtures/proposals`: which configuration was run on which instance, for every test. */
export const pinnedRaces = () =>
  [...RACE_TESTS.map((test) => ({ test })), { test: "friedman", shuffle: true } as const].map((options) => {
    const cost: RaceWorld["cost"] = (x, instance) =>
      x[0]! + 0.2 * noiseOf(3, Math.round(x[0]! * 1e6), instance);
    const world = { space: raceSpace, runs: 8, trials: 250, workers: 1, seed: 11, options, cost };
    return {
      ...options,
      runs: runRaces(world).rows.map(({ x, configuration, instance, iteration, number }) => [
        configuration,
        instance,
        iteration,
        ...(number === configuration
          ? Array.from(x, (u) => (Number.isNaN(u) ? null : Number(u.toFixed(9))))
          : []),
      ]),
    };
  });
