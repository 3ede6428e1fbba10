import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  digestOf,
  type Indices,
  indicesOf,
  type SampleData,
  type Split,
} from "../../../clients/typescript/splits.ts";
import { anySplit, type SplitCase } from "../../support/splits.ts";

/** The indices of all folds of a level. */
const allFolds = ({ split, data }: SplitCase): Indices[] => {
  const isOuter = split.inner === null;
  const count = isOuter ? split.folds.outer : split.folds.inner;
  return Array.from({ length: count }, (_, fold) =>
    indicesOf({ ...split, ...(isOuter ? { outer: fold } : { inner: fold }) }, data),
  );
};

/** The samples that the folds of a level share out: all, or the outer training set. */
const sharedOut = ({ split, data }: SplitCase): readonly number[] =>
  split.inner === null
    ? Array.from({ length: split.samples }, (_, i) => i)
    : indicesOf({ ...split, phase: "refit", inner: null }, data).train;

const ascending = (numbers: readonly number[]) => numbers.every((n, i) => i === 0 || numbers[i - 1]! < n);
const counts = <T>(values: readonly T[]) => {
  const found = new Map<T, number>();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  return found;
};
const spread = (numbers: readonly number[]) => Math.max(...numbers) - Math.min(...numbers);

test("the folds of both levels are a partition: each sample is tested once, and trained on in all other folds", () => {
  fc.assert(
    fc.property(anySplit(["plain", "stratified", "grouped"]), (one) => {
      const folds = allFolds(one);
      const shared = sharedOut(one);
      expect(folds.flatMap(({ test }) => test).sort((a, b) => a - b)).toEqual(shared);
      for (const { train, test } of folds) {
        expect(ascending(train) && ascending(test)).toBe(true);
        expect([...train, ...test].sort((a, b) => a - b)).toEqual(shared);
      }
    }),
  );
});

test("the sizes of plain and stratified folds differ by at most one", () => {
  fc.assert(
    fc.property(anySplit(["plain", "stratified"]), (one) => {
      expect(spread(allFolds(one).map(({ test }) => test.length))).toBeLessThanOrEqual(1);
    }),
  );
});

test("each class is in all stratified folds, as nearly equal as its size allows", () => {
  fc.assert(
    fc.property(anySplit(["stratified"]), (one) => {
      const labels = one.data.labels ?? [];
      const folds = allFolds(one).map(({ test }) => counts(test.map((i) => labels[i])));
      for (const label of new Set(labels)) {
        expect(spread(folds.map((fold) => fold.get(label) ?? 0))).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test("no group is divided, and the folds differ by no more than the largest group", () => {
  fc.assert(
    fc.property(anySplit(["grouped"]), (one) => {
      const groups = one.data.groups ?? [];
      const folds = allFolds(one);
      for (const { train, test } of folds) {
        const tested = new Set(test.map((i) => groups[i]));
        expect(train.some((i) => tested.has(groups[i]))).toBe(false);
      }
      const largest = Math.max(...counts(sharedOut(one).map((i) => groups[i])).values());
      expect(spread(folds.map(({ test }) => test.length))).toBeLessThanOrEqual(largest);
    }),
  );
});

test("a time series is never trained on its future, nor tested twice, and its last sample is tested", () => {
  fc.assert(
    fc.property(anySplit(["time-series"]), (one) => {
      const folds = allFolds(one);
      for (const { train, test } of folds) {
        expect(train.length > 0 && test.length > 0 && train.at(-1)! + 1 === test[0]).toBe(true);
      }
      const tested = folds.flatMap(({ test }) => test);
      expect(ascending(tested)).toBe(true);
      expect(tested.at(-1)).toBe(sharedOut(one).at(-1));
    }),
  );
});

test("the outer test set is in no inner fold", () => {
  fc.assert(
    fc.property(anySplit(), ({ split, data }) => {
      const inner = indicesOf({ ...split, inner: 0 }, data);
      const held = new Set(indicesOf({ ...split, inner: null }, data).test);
      expect([...inner.train, ...inner.test].some((i) => held.has(i))).toBe(false);
    }),
  );
});

test("another seed, repeat or outer fold shuffles anew", () => {
  const split: Split = {
    phase: "search",
    repeat: 0,
    outer: 0,
    inner: null,
    kind: "plain",
    samples: 1000,
    folds: { outer: 5, inner: 5 },
    seed: 1,
  };
  const first = new Set(indicesOf(split).test);
  for (const change of [{ seed: 2 }, { repeat: 1 }, { seed: 2 ** 32 - 1 }]) {
    const common = indicesOf({ ...split, ...change }).test.filter((i) => first.has(i)).length;
    // A fifth of 200; the standard deviation of the hypergeometric count is 5.1.
    expect(Math.abs(common - 40)).toBeLessThan(26);
  }
});

test("over many seeds every sample is tested in a fold equally often, and every pair together", () => {
  const seeds = 4000;
  let first = 0;
  let both = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const test = new Set(
      indicesOf({
        phase: "refit",
        repeat: 0,
        outer: 0,
        inner: null,
        kind: "plain",
        samples: 20,
        folds: { outer: 4, inner: 2 },
        seed,
      }).test,
    );
    if (test.has(0)) first++;
    if (test.has(0) && test.has(1)) both++;
  }
  const within = (count: number, p: number) =>
    Math.abs(count - seeds * p) < 5 * Math.sqrt(seeds * p * (1 - p));
  expect(within(first, 5 / 20)).toBe(true);
  expect(within(both, (5 * 4) / (20 * 19))).toBe(true);
});

test("the digest names which samples are equal, not what their values are", () => {
  expect(digestOf(["b", "a", "b"])).toBe(digestOf([0, 1, 0]));
  expect(digestOf(["b", "a", "b"])).not.toBe(digestOf(["b", "a", "a"]));
});

const stratified: Split = {
  phase: "refit",
  repeat: 0,
  outer: 0,
  inner: null,
  kind: "stratified",
  samples: 4,
  folds: { outer: 2, inner: 2 },
  seed: 1,
};

test("missing, other and too few labels are refused in words that say what to give", () => {
  const labels = ["a", "b", "a", "b"];
  const known = { ...stratified, labels: digestOf(labels) };
  expect(indicesOf(known, { labels: ["x", "y", "x", "y"] })).toEqual(indicesOf(known, { labels }));
  expect(() => indicesOf(known)).toThrow("Folds of the kind stratified need `labels`.");
  expect(() => indicesOf(known, { labels: ["a", "b"] })).toThrow(
    "There are 2 labels, and the study has 4 samples.",
  );
  expect(() => indicesOf(known, { labels: ["a", "a", "b", "b"] })).toThrow(
    /^These are not the labels of the study: their digest is [0-9a-f]{64}, the study's is [0-9a-f]{64}\./,
  );
  expect(() => indicesOf({ ...stratified, kind: "grouped" }, { groups: [1, 1, 1, 1] })).toThrow(
    "1 groups are too few for these folds: they need at least 2.",
  );
});

interface Vector {
  readonly split: Split;
  readonly data: SampleData;
  readonly expected: Indices;
}

test("the folds of studies that exist stay as they are", () => {
  const file = new URL("../../fixtures/splits/vectors.fixture.json", import.meta.url);
  const vectors = JSON.parse(readFileSync(file, "utf8")) as Vector[];
  for (const { split, data, expected } of vectors) expect(indicesOf(split, data)).toEqual(expected);
  expect(new Set(vectors.map(({ split }) => `${split.kind} ${split.phase}`)).size).toBe(8);
});
