import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { RACE_TESTS, testBlock } from "../../../../shared/optimizer/irace/elimination.ts";
import { entrantsOf, leastBudget, sizesOf } from "../../../../shared/optimizer/irace/sizes.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { fromCube } from "../../../../shared/space/cube.ts";
import { samplePrior } from "../../../../shared/space/sample.ts";
import { validateConfiguration } from "../../../../shared/space/validate.ts";
import { configurationKey } from "../../../support/configuration-key.ts";
import { noiseOf, type RaceWorld, raceSpace, replayOf, runRaces } from "../../../support/races.ts";

/** The distance from the best configuration, with noise and instances of different difficulty. */
const bowl = (x: ArrayLike<number>) => (x[0]! - 0.3) ** 2 + (x[1]! - 0.7) ** 2 + (x[2]! < 0.34 ? 0 : 0.1);
const noisy =
  (seed: number, noise = 0.05): RaceWorld["cost"] =>
  (x, instance, configuration) =>
    bowl(x) + 3 * Math.sin(instance) + noise * noiseOf(seed, configuration, instance);

const worldOf = (change: Partial<RaceWorld> = {}): RaceWorld => ({
  space: raceSpace,
  runs: 10,
  trials: 300,
  workers: 4,
  seed: 1,
  cost: noisy(1),
  ...change,
});

const anyWorld = fc
  .record({
    seed: fc.nat(1e6),
    workers: fc.integer({ min: 1, max: 12 }),
    // The least that a study of this space may have.
    trials: fc.integer({ min: leastBudget(sizesOf(raceSpace), 5), max: 250 }),
    runs: fc.integer({ min: 5, max: 60 }),
    test: fc.constantFrom(...RACE_TESTS),
    shuffle: fc.boolean(),
    failing: fc.constantFrom(0, 0.2),
    mine: fc.integer({ min: 0, max: 4 }),
  })
  .map(({ test, shuffle, failing, mine, ...rest }) =>
    worldOf({
      ...rest,
      initial: Array.from({ length: mine }, (_, i) => samplePrior(raceSpace, createRandom(rest.seed, 77, i))),
      options: { test, shuffle },
      cost: (x, instance, configuration) =>
        Math.abs(noiseOf(7, instance, configuration)) < failing
          ? null
          : noisy(rest.seed)(x, instance, configuration),
    }),
  );

/** Its final race runs a winner on the instance on which the third race ended, where all others have been since. */
const metLater = worldOf({
  ...{ seed: 384974, workers: 2, trials: 156, runs: 35, cost: noisy(384974) },
  options: { test: "t-test", shuffle: true },
});

test("a configuration is run once on an instance, and only while it is in the race", () => {
  fc.assert(
    fc.property(anyWorld, (world) => {
      const { rows, races } = runRaces(world, world.seed);
      expect(rows.length).toBeLessThanOrEqual(world.trials);
      const keys = rows.map(({ configuration, instance }) => `${configuration} ${instance}`);
      expect(new Set(keys).size).toBe(rows.length);
      for (const { configuration = -1, instance, iteration, x } of rows) {
        expect(x).toEqual(rows[configuration]?.x);
        const race = races.find((one) => one.iteration === iteration);
        const step = race?.steps.find((one) => one.instance === instance);
        expect(step?.alive).toContain(configuration);
      }
    }),
    { numRuns: 10, examples: [[metLater]] },
  );
});

test("the races are the same whatever the number of workers and the order in which results come in", () => {
  fc.assert(
    fc.property(anyWorld, fc.nat(1000), (world, order) => {
      const cost: RaceWorld["cost"] = (x, instance) =>
        bowl(x) + instance + 0.05 * noiseOf(1, x[0]! * 1e9, instance);
      const outcome = (workers: number) => {
        const { rows, races } = runRaces({ ...world, workers, cost }, order);
        const key = (entrant: number) => configurationKey(fromCube(raceSpace, rows[entrant]!.x));
        return races.map(({ ranking }) => ranking.map(key));
      };
      expect(outcome(world.workers)).toEqual(outcome(1));
    }),
    { numRuns: 8 },
  );
});

test("what was decided stays decided: no later result, and no larger budget, changes a step of an earlier race", () => {
  fc.assert(
    fc.property(anyWorld, fc.double({ min: 0.2, max: 1, noNaN: true }), (world, share) => {
      const { rows, races } = runRaces(world);
      const early = runRaces(world, 1, Math.floor(rows.length * share)).races;
      const decided = early.slice(0, -1).map(({ steps }) => steps);
      expect(races.slice(0, decided.length).map(({ steps }) => steps)).toEqual(decided);
      const last = Math.max(...rows.map(({ iteration = 0 }) => iteration));
      const past = races.filter(({ iteration }) => iteration < last);
      const extended = replayOf({ ...world, trials: 3 * world.trials }, rows).races;
      expect(extended.slice(0, past.length).map(({ steps }) => steps)).toEqual(
        past.map(({ steps }) => steps),
      );
    }),
    { numRuns: 8 },
  );
});

test("an elite stays until the race has been on every instance that it was run on before", () => {
  fc.assert(
    fc.property(anyWorld, (world) => {
      const { rows, races } = runRaces(world);
      for (const { iteration, isFinal, elites, steps } of races) {
        if (isFinal) continue;
        for (const elite of elites) {
          const before = rows.filter((row) => row.configuration === elite && row.iteration! < iteration);
          const end = steps.findIndex(({ eliminated }) => eliminated.includes(elite));
          if (end < 0) continue;
          const covered = new Set(steps.slice(0, end + 1).map(({ instance }) => instance));
          for (const { instance = -1 } of before) expect(covered.has(instance)).toBe(true);
        }
      }
    }),
    { numRuns: 10 },
  );
});

test("a new configuration was never raced before, and is allowed by the space", () => {
  const space = compileSpace(
    {
      a: { type: "float", low: 0, high: 1 },
      b: { type: "float", low: 0, high: 1 },
      kind: { type: "categorical", choices: ["x", "y"] },
      depth: { type: "int", low: 1, high: 3, when: { kind: ["x"] } },
    },
    [{ a: 1, b: 1, max: 1.2 }],
    [{ kind: "y", a: 0.5 }],
  );
  const { rows } = runRaces(worldOf({ space, cost: (x, i) => x[0]! + i }));
  const begun = rows.filter(({ number, configuration }) => number === configuration);
  const keys = begun.map(({ x }) => configurationKey(fromCube(space, x)));
  expect(new Set(keys).size).toBe(begun.length);
  for (const { x } of begun) validateConfiguration(space, fromCube(space, x), "");
});

test("configurations of the client race from the first instance on, and none is drawn that is equal to one of them", () => {
  // It would be drawn again in its place, which none of theirs takes.
  const drawn = runRaces(worldOf(), 1, 5).rows[3];
  const mine = [drawn!.x, samplePrior(raceSpace, createRandom(9))] as Float64Array[];
  const { rows, races } = runRaces(worldOf({ initial: mine }));
  const [first] = races;
  expect(first!.steps[0]!.alive.slice(0, 2)).toEqual([0, 1]);
  const without = runRaces(worldOf()).races[0]!;
  expect(first!.steps[0]!.alive).toHaveLength(without.steps[0]!.alive.length);
  const begun = rows.filter(({ number, configuration }) => number === configuration);
  const keys = begun.map(({ x }) => configurationKey(fromCube(raceSpace, x as Float64Array)));
  expect(new Set(keys).size).toBe(keys.length);
});

test("a small space is raced whole, and then the study is over", () => {
  const space = compileSpace({ a: { type: "categorical", choices: ["p", "q", "r", "s", "t"] } });
  const world = worldOf({ space, trials: 500, cost: (x, i) => x[0]! + 0.01 * noiseOf(1, x[0]! * 10, i) });
  const { rows, isExhausted, isOver } = runRaces(world);
  expect(new Set(rows.map(({ configuration }) => configuration)).size).toBe(5);
  expect([isExhausted, isOver]).toEqual([true, true]);
});

test("while no test can come between, the next instances begin without waiting for results", () => {
  const world = worldOf({ workers: 1000, trials: 500 });
  const { rows } = runRaces(world, 1, 1);
  const firstTests = new Set(rows.map(({ instance }) => instance));
  expect([...firstTests].sort()).toEqual([0, 1, 2, 3, 4]);
});

test("a configuration that fails everywhere never survives", () => {
  const cost: RaceWorld["cost"] = (x, i) =>
    x[2]! > 0.67 ? null : bowl(x) + 0.02 * noiseOf(3, x[0]! * 1e6, i);
  const { races, rows } = runRaces(worldOf({ cost }));
  for (const { ranking } of races.filter(({ isFinal }) => !isFinal).slice(0, 3)) {
    expect(rows[ranking[0]!]!.x[2]).toBeLessThan(0.67);
  }
});

/**
 * Sixty configurations and ten instances with noise: full evaluation runs each on all ten and takes the best mean. The race may only hide
 * what the noise of those means hides from full evaluation too.
 */
describe.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])("on a noisy problem of ten instances, seed %i", (seed) => {
  const space = compileSpace({
    a: { type: "int", low: 1, high: 6 },
    b: { type: "ordinal", choices: Array.from({ length: 10 }, (_, i) => 2 ** i) },
  });
  const noise = 0.2;
  const truth = (x: ArrayLike<number>) => 4 * (x[0]! - 0.4) ** 2 + 4 * (x[1]! - 0.75) ** 2;
  const key = (x: ArrayLike<number>) => Math.round(1000 * x[0]!) * 1000 + Math.round(1000 * x[1]!);
  const cost = (x: ArrayLike<number>, i: number) =>
    truth(x) + 5 * Math.sin(i) + noise * noiseOf(seed, key(x), i);
  const instances = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

  test("a race spends under half of what full evaluation needs for the same winner", () => {
    const { rows, races } = runRaces(
      worldOf({ space, seed, cost, trials: 1200, options: { test: "t-test", firstTest: 2 } }),
    );
    const begun = rows.filter(({ number, configuration }) => number === configuration);
    expect(begun).toHaveLength(space.size);
    const meanOf = (x: ArrayLike<number>) => instances.reduce((sum, i) => sum + cost(x, i), 0) / 10;
    const best = begun.reduce((a, b) => (meanOf(b.x) < meanOf(a.x) ? b : a));
    const winner = races.at(-1)?.ranking[0];
    expect(rows.length).toBeLessThan((space.size * instances.length) / 2);
    expect(winner).toBe(best.number);
  });
});

test("of two configurations the worse leaves by Wilcoxon's test, by the median of the differences", () => {
  const y = Float64Array.from({ length: 20 }, (_, k) => (k % 2 === 0 ? 1 : 0) + k / 100);
  const { worse, p } = testBlock({ n: 10, k: 2, y }, "friedman", 0.05);
  expect(worse).toEqual([0]);
  expect(p).toBeLessThan(0.01);
});

test("corrections count all configurations: what leaves by Bonferroni leaves by Holm, and what leaves by Holm without", () => {
  const block = fc
    .record({ n: fc.integer({ min: 2, max: 8 }), k: fc.integer({ min: 2, max: 7 }), seed: fc.nat(1e6) })
    .map(({ n, k, seed }) => ({
      n,
      k,
      y: Float64Array.from(
        { length: n * k },
        (_, i) => 0.3 * (i % k) + noiseOf(seed, i % k, Math.floor(i / k)),
      ),
    }));
  fc.assert(
    fc.property(block, (given) => {
      const plain = testBlock(given, "t-test", 0.1);
      const holm = testBlock(given, "t-test-holm", 0.1);
      const bonferroni = testBlock(given, "t-test-bonferroni", 0.1);
      expect(plain.worse).toEqual(expect.arrayContaining([...holm.worse]));
      expect(holm.worse).toEqual(expect.arrayContaining([...bonferroni.worse]));
      for (const { p } of [holm, bonferroni]) expect(p).toBeCloseTo(Math.min(1, given.k * plain.p), 12);
    }),
  );
});

/** The instances in the order in which the first race takes them until its first test. */
const firstOrder = (change: Partial<RaceWorld>): number[] =>
  replayOf(worldOf(change), []).races[0]!.steps.map(({ instance }) => instance);

test("instances are shuffled by the study's seed if that is wanted, each once before any is taken with another seed", () => {
  const world = { runs: 12, instances: 4, options: { firstTest: 12, shuffle: true }, trials: 2000 };
  const order = firstOrder(world);
  expect(order).toHaveLength(12);
  for (const pass of [0, 1, 2]) {
    const taken = order.slice(4 * pass, 4 * pass + 4);
    expect(taken.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3].map((i) => 4 * pass + i));
  }
  const passes = [0, 4, 8].map((from) => order.slice(from, from + 4).map((run) => run % 4));
  expect(new Set(passes.map(String)).size).toBeGreaterThan(1);
  expect(firstOrder(world)).toEqual(order);
  const orders = [1, 2, 3, 4, 5, 6].map((seed) => firstOrder({ ...world, seed }).join());
  expect(new Set(orders).size).toBeGreaterThan(3);
  expect(firstOrder({ ...world, options: { firstTest: 12 } })).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
  ]);
});

test("sizes of races follow from the number of free parameters", () => {
  const floats = (count: number) =>
    compileSpace(
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`p${i}`, { type: "float", low: 0, high: 1 }]),
      ),
    );
  expect([1, 2, 3, 4, 8, 11].map((count) => sizesOf(floats(count)).races)).toEqual([2, 3, 3, 4, 5, 5]);
  // ACOTSP: 11 parameters, 5,000 runs: 1,000 for the first race, of 166 configurations.
  const first = { iteration: 1, budget: 1000, elites: 0, old: 0, fresh: 0, firstTest: 5 };
  expect(entrantsOf(first)).toBe(166);
  expect(entrantsOf({ ...first, iteration: 2, elites: 5, old: 8, fresh: 1 })).toBe(115);
  expect(leastBudget(sizesOf(floats(2)), 5)).toBe(72);
});
