import { type Block, type RaceTest, scores, testBlock, type Verdict } from "./elimination.ts";
import { type Configuration, knownTo, type Results } from "./results.ts";

/** One race: configurations are run on one instance after another, and those that are worse than the best leave. */

/** Tests in a row without any elimination after which a race ends, once it has been on all instances of its elites. */
const MOST_IN_VAIN = 2;

/** A configuration by the number of its first trial, or, before it has one, -1 for the first new one of the race, -2 and so on. */
export type Entrant = number;

export interface RacePlan {
  readonly iteration: number;
  readonly entrants: readonly Entrant[];
  /** Those that stay until the race has been on every instance that they were run on before. */
  readonly elites: readonly Entrant[];
  /** The instances in the order in which the race takes them. */
  readonly order: readonly number[];
  /** The most runs. */
  readonly budget: number;
  /** With so many left it ends. */
  readonly survivors: number;
  /** Whether it goes on while runs are left, however often no test eliminates any. */
  readonly goesOn: boolean;
  /** Whether runs of a later race exist: then this one is over, whatever its budget is now. */
  readonly isPast: boolean;
  readonly firstTest: number;
  readonly test: RaceTest;
  readonly level: number;
}

/** One step of a race. */
export interface Step {
  readonly instance: number;
  /** Who was run on it. */
  readonly alive: readonly Entrant[];
  readonly eliminated: readonly Entrant[];
  /** Whether all results on it are in. */
  readonly isComplete: boolean;
  /** Of the test after it; null where there was none. */
  readonly p: number | null;
}

export interface NextRun {
  readonly entrant: Entrant;
  readonly instance: number;
}

/** How a race stands. */
export interface Race {
  readonly steps: readonly Step[];
  /** Runs that may begin now, in order. */
  readonly next: readonly NextRun[];
  readonly isOver: boolean;
  /** Those alive, best first as far as it is known. */
  readonly ranking: readonly Entrant[];
}

/**
 * Replays a race from its results. A decision is taken only once an instance has all results of those alive, so whoever asks in
 * whatever order, the decisions are the same. While no test can come between, the next instance begins before the last results are in.
 */
export const replayRace = (plan: RacePlan, { configurations, used }: Results): Race => {
  const { iteration, order, elites, budget, survivors, firstTest } = plan;
  const known = new Map(
    plan.entrants.flatMap((entrant) => {
      const one = configurations.get(entrant);
      return one === undefined ? [] : [[entrant, knownTo(iteration, one)] as const];
    }),
  );
  const of = (entrant: Entrant): Configuration | undefined => known.get(entrant);
  const before = new Map(elites.map((elite) => [elite, instancesBefore(of(elite), iteration)]));
  const done = new Set<number>();
  const steps: Step[] = [];
  const next: NextRun[] = [];
  let alive = plan.entrants;
  let spent = used[iteration] ?? 0;
  let inVain = 0;
  let isWaiting = false;
  const isCovered = (elite: Entrant) =>
    [...(before.get(elite) ?? [])].every((instance) => done.has(instance));
  for (const [position, instance] of order.entries()) {
    const isThrough = alive.every(isCovered);
    if (isThrough && (alive.length <= survivors || (!plan.goesOn && inVain >= MOST_IN_VAIN))) break;
    const missing = alive.filter((entrant) => of(entrant)?.costs.has(instance) !== true);
    const hasBegun = alive.some((entrant) => of(entrant)?.runs.get(iteration)?.has(instance) === true);
    if (missing.length > 0 && !hasBegun && (plan.isPast || spent + missing.length > budget)) break;
    spent += missing.length;
    // New configurations first: that one has begun tells the race from the final one, which has none.
    const newFirst = missing.toSorted((a, b) => Number(a >= 0) - Number(b >= 0));
    next.push(...newFirst.map((entrant) => ({ entrant, instance })));
    isWaiting ||= missing.length > 0 || alive.some((one) => Number.isNaN(of(one)?.costs.get(instance)));
    done.add(instance);
    const isTested = position + 1 >= firstTest && alive.length > 1;
    if (isWaiting) {
      steps.push({ instance, alive, eliminated: [], isComplete: false, p: null });
      if (isTested) break;
      continue;
    }
    const verdict: Verdict | null = isTested
      ? testBlock(blockOf(alive, [...done], of), plan.test, plan.level)
      : null;
    const worse = new Set(verdict?.worse.map((j) => alive[j]!).filter(isCovered));
    steps.push({ instance, alive, eliminated: [...worse], isComplete: true, p: verdict?.p ?? null });
    if (worse.size > 0) inVain = 0;
    else if (isTested && isThrough) inVain++;
    alive = alive.filter((entrant) => !worse.has(entrant));
  }
  return {
    steps,
    next,
    isOver: !isWaiting,
    ranking: isWaiting ? alive : ranked(alive, [...done], of, plan.test),
  };
};

/** The instances that a configuration was run on for earlier races. */
const instancesBefore = (configuration: Configuration | undefined, iteration: number): Set<number> => {
  const all = [...(configuration?.runs ?? [])].filter(([race]) => race < iteration);
  return new Set(all.flatMap(([, instances]) => [...instances]));
};

type Find = (entrant: Entrant) => Configuration | undefined;

const blockOf = (alive: readonly Entrant[], instances: readonly number[], of: Find): Block => {
  const [n, k] = [instances.length, alive.length];
  const y = new Float64Array(n * k);
  for (const [j, entrant] of alive.entries()) {
    const costs = of(entrant)?.costs;
    for (let i = 0; i < n; i++) y[i * k + j] = costs?.get(instances[i]!) ?? Number.NaN;
  }
  return { n, k, y };
};

/** The best of those alive after each step that is complete, by all results of the race up to it; null for the others. */
export const leadersOf = (
  steps: readonly Step[],
  { configurations }: Results,
  test: RaceTest,
): (Entrant | null)[] => {
  const instances = steps.map(({ instance }) => instance);
  const find = (entrant: Entrant) => configurations.get(entrant);
  return steps.map(({ isComplete, alive, eliminated }, i) => {
    const left = alive.filter((entrant) => !eliminated.includes(entrant));
    return isComplete ? (ranked(left, instances.slice(0, i + 1), find, test)[0] ?? null) : null;
  });
};

/** Best first, the older ones of equals. */
const ranked = (
  alive: readonly Entrant[],
  instances: readonly number[],
  of: Find,
  test: RaceTest,
): Entrant[] => {
  const sums = scores(blockOf(alive, instances, of), test);
  const order = [...alive.keys()].sort((a, b) => sums[a]! - sums[b]! || a - b);
  return order.map((j) => alive[j]!);
};
