import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom } from "../../../shared/numerics/random.ts";
import {
  compareIn,
  EMPTY_RUNG,
  EMPTY_TABLE,
  promotable,
  type Rung,
  type RungTable,
  rungOf,
  SAMPLE,
  withEntry,
  withoutWaiting,
} from "../../../shared/scheduler/rung-table.ts";
import type { Standing } from "../../../shared/scheduler/standing.ts";

const NONE_FAILED = { failed: 0, lost: new Set<number>() };
const of = (trial: number, cost: number): Standing => ({ trial, costs: [cost], violation: 0 });

/** Entries into so many tables, as the service shares them out. */
const tablesOf = (entries: readonly Standing[], tables: number, room: number): RungTable[] => {
  const made: RungTable[] = Array(tables).fill(EMPTY_TABLE);
  for (const entry of entries) {
    const table = entry.trial % tables;
    made[table] = withEntry(made[table] ?? EMPTY_TABLE, entry, room);
  }
  return made;
};
const rungWith = (entries: readonly Standing[], tables = 1, room = 64): Rung =>
  rungOf(tablesOf(entries, tables, room), NONE_FAILED);

const costs = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.double({ noNaN: true }));
const entriesUpTo = (most: number) =>
  fc.array(costs, { minLength: 1, maxLength: most }).map((given) => given.map((cost, i) => of(i, cost)));
const anyOrder = <T>(entries: readonly T[]) =>
  fc.shuffledSubarray([...entries], { minLength: entries.length, maxLength: entries.length });

test("entries in any order make the same table", () => {
  const pairs = entriesUpTo(3 * SAMPLE).chain((entries) => fc.tuple(fc.constant(entries), anyOrder(entries)));
  fc.assert(
    fc.property(pairs, fc.constantFrom(0, 5, 64), ([entries, shuffled], room) => {
      expect(rungWith(shuffled, 1, room)).toEqual(rungWith(entries, 1, room));
    }),
    { numRuns: 40 },
  );
});

/** From 1: one more than those that are better, of equal ones those with lower numbers. */
const trueRank = (entries: readonly Standing[], { trial, costs: [cost = 0] }: Standing): number =>
  1 + entries.filter(({ trial: n, costs: [c = 0] }) => c < cost || (c === cost && n < trial)).length;

const third = (n: number) => Math.floor(n / 3);

test("while a table is small a comparison is exact, whatever the number of tables", () => {
  fc.assert(
    fc.property(entriesUpTo(SAMPLE + 1), fc.integer({ min: 1, max: 8 }), (entries, tables) => {
      const [last, others] = [entries.at(-1)!, entries.slice(0, -1)];
      const comparison = compareIn(rungWith(others, tables), last, third);
      const { length } = entries;
      expect(comparison).toMatchObject({ rank: trueRank(others, last), of: length, goOn: third(length) });
      const sorted = entries.map(({ costs: [cost = 0] }) => cost).sort((a, b) => a - b);
      expect(comparison.threshold).toBe(third(length) === 0 ? null : sorted[third(length) - 1]);
      // One of several tables may sample when one for all would: as long as none does, they say the same.
      expect(compareIn(rungWith(others, 1), last, third)).toEqual(comparison);
    }),
  );
});

describe.each([1, 4, 8])("of 10,000 results in %i tables", (tables) => {
  test("a rank is estimated within a few percent, and the tables stay small", () => {
    const random = createRandom(7, tables);
    const entries = Array.from({ length: 10_000 }, (_, trial) => of(trial, random.uniform()));
    const made = tablesOf(entries, tables, 64);
    for (const { sample, waiting } of made) {
      expect(sample.length).toBe(SAMPLE);
      expect(waiting.length).toBe(64);
    }
    const rung = rungOf(made, NONE_FAILED);
    expect(rung.entered).toBe(10_000);
    const errors = Array.from({ length: 199 }, (_, i) => {
      const cost = (i + 1) / 200;
      const { rank } = compareIn(rung, of(10_000, cost), third);
      return Math.abs(rank / 10_000 - cost);
    });
    // Three standard deviations of the share of a sample that is below.
    expect(Math.max(...errors)).toBeLessThan(1.5 / Math.sqrt(SAMPLE * tables));
  });
});

test("of those that wait the best are kept, and who goes on waits no more", () => {
  fc.assert(
    fc.property(entriesUpTo(200), fc.integer({ min: 1, max: 70 }), (entries, room) => {
      const [table = EMPTY_TABLE] = tablesOf(entries, 1, room);
      const sorted = [...entries].sort((a, b) => trueRank(entries, a) - trueRank(entries, b));
      expect(table.waiting).toEqual(sorted.slice(0, room));
      const first = table.waiting[0]!.trial;
      const left = withoutWaiting(table, first);
      expect(left.waiting).toEqual(table.waiting.slice(1));
      expect(left).toMatchObject({ promoted: 1, entered: table.entered, sample: table.sample });
    }),
  );
});

test("nobody is promotable twice, and only those among the best that goOn allows", () => {
  fc.assert(
    fc.property(entriesUpTo(SAMPLE), fc.integer({ min: 0, max: 40 }), (entries, goOn) => {
      let [table = EMPTY_TABLE] = tablesOf(entries, 1, 64);
      const promoted: number[] = [];
      for (;;) {
        const [next] = promotable(rungOf([table], NONE_FAILED), EMPTY_RUNG, goOn);
        if (next === undefined) break;
        promoted.push(next.trial);
        table = withoutWaiting(table, next.trial);
      }
      const best = [...entries].sort((a, b) => trueRank(entries, a) - trueRank(entries, b));
      expect(promoted).toEqual(best.slice(0, Math.min(goOn, 64)).map(({ trial }) => trial));
    }),
  );
});

test("one that went on and failed gives its place to the next", () => {
  const entries = [3, 1, 2, 0].map((cost, trial) => of(trial, cost));
  let [table = EMPTY_TABLE] = tablesOf(entries, 1, 64);
  table = withoutWaiting(table, 3);
  const left = (lost: readonly number[]) =>
    promotable(rungOf([table], NONE_FAILED), { ...EMPTY_RUNG, lost: new Set(lost) }, 1);
  expect(left([])).toEqual([]);
  expect(left([3]).map(({ trial }) => trial)).toEqual([1]);
});

test("a trial that comes to a rung again replaces what it came to, and counts once", () => {
  const table = withEntry(withEntry(EMPTY_TABLE, of(4, 1), 0), of(4, 2), 0);
  expect(table).toMatchObject({ entered: 1, sample: [of(4, 2)] });
  expect(compareIn(rungOf([table], NONE_FAILED), of(4, 3), third)).toMatchObject({ rank: 1 });
});
