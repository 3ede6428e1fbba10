import { createHash } from "node:crypto";

/**
 * The folds of nested cross-validation, as every client rebuilds them: from what a trial's `split` says and, for stratified and
 * grouped folds, the labels or groups of the samples. `docs/methods/nested-cv.md` specifies them; `hone.splits` is the same in Python,
 * and `test/fixtures/splits` has vectors for both.
 */

export type SplitKind = "plain" | "stratified" | "grouped" | "time-series";

/** The `split` of an asked trial, as the API gives it. */
export interface Split {
  /** `search`: train and validate within the outer training set. `refit`: train on all of it, score on the outer test set. */
  readonly phase: "search" | "refit";
  readonly repeat: number;
  /** The outer fold, from 0. */
  readonly outer: number;
  /** The inner fold, from 0; null for a refit. */
  readonly inner: number | null;
  readonly kind: SplitKind;
  readonly samples: number;
  readonly folds: { readonly outer: number; readonly inner: number };
  readonly seed: number;
  /** Digests of the labels and groups, where the study has them. */
  readonly labels?: string;
  readonly groups?: string;
}

/** What the samples are, in their order: equal values are one class or one group. */
export interface SampleData {
  readonly labels?: readonly unknown[];
  readonly groups?: readonly unknown[];
}

/** Indices of samples, ascending. */
export interface Indices {
  readonly train: readonly number[];
  readonly test: readonly number[];
}

/**
 * The samples to train on and to score on.
 * @throws RangeError when labels or groups are missing, of another length, not those of the study, or too few for the folds.
 */
export const indicesOf = (split: Split, data: SampleData = {}): Indices => {
  const codes = codesFor(split, data);
  const all = Array.from({ length: split.samples }, (_, i) => i);
  const outer = foldOf(all, split.outer, split.folds.outer, [split.seed, split.repeat, 0], split.kind, codes);
  if (split.inner === null) return outer;
  const stream = [split.seed, split.repeat, 1 + split.outer];
  return foldOf(outer.train, split.inner, split.folds.inner, stream, split.kind, codes);
};

/**
 * Names which samples are equal, whatever the values are: SHA-256 over each sample's code, an unsigned 32-bit little-endian integer.
 * The first value has code 0, and each value that did not occur before the next one.
 * @returns 64 hexadecimal digits.
 */
export const digestOf = (values: readonly unknown[]): string => {
  const bytes = new DataView(new ArrayBuffer(4 * values.length));
  codesOf(values).forEach((code, i) => {
    bytes.setUint32(4 * i, code, true);
  });
  return createHash("sha256").update(bytes).digest("hex");
};

const codesOf = (values: readonly unknown[]): number[] => {
  const codes = new Map<unknown, number>();
  return values.map((value) => {
    const code = codes.get(value) ?? codes.size;
    codes.set(value, code);
    return code;
  });
};

const NEEDS: Readonly<Record<SplitKind, "labels" | "groups" | null>> = {
  plain: null,
  stratified: "labels",
  grouped: "groups",
  "time-series": null,
};

/** The codes by which the kind splits; all zero where it needs none. Whatever the study has a digest of is checked. */
const codesFor = (split: Split, data: SampleData): readonly number[] => {
  const needed = NEEDS[split.kind];
  for (const name of ["labels", "groups"] as const) {
    const values = data[name];
    if (values === undefined) {
      if (needed === name) throw new RangeError(`Folds of the kind ${split.kind} need \`${name}\`.`);
      continue;
    }
    if (values.length !== split.samples) {
      throw new RangeError(
        `There are ${values.length} ${name}, and the study has ${split.samples} samples. Give the ${name} of all samples, in the same order.`,
      );
    }
    const expected = split[name];
    const found = expected === undefined ? undefined : digestOf(values);
    if (found !== expected) {
      throw new RangeError(
        `These are not the ${name} of the study: their digest is ${found}, the study's is ${expected}. Give the same samples in the same order.`,
      );
    }
  }
  return needed === null ? new Array<number>(split.samples).fill(0) : codesOf(data[needed] ?? []);
};

/** Train and test of one fold of these samples, which are ascending. */
const foldOf = (
  samples: readonly number[],
  fold: number,
  folds: number,
  stream: readonly number[],
  kind: SplitKind,
  codes: readonly number[],
): Indices => {
  if (kind === "time-series") return timeSeriesFold(samples, fold, folds);
  const folded =
    kind === "grouped"
      ? groupedFolds(samples, folds, stream, codes)
      : dealtFolds(samples, folds, stream, codes);
  return {
    train: samples.filter((_, i) => folded[i] !== fold),
    test: samples.filter((_, i) => folded[i] === fold),
  };
};

/** Samples are put in the order of their class and a random key, and dealt to the folds one by one. @returns the fold of each. */
const dealtFolds = (
  samples: readonly number[],
  folds: number,
  stream: readonly number[],
  codes: readonly number[],
): number[] => {
  refuseFewer(samples.length, folds, "samples");
  const key = keysOf(stream);
  const keys = samples.map(key);
  // Of the samples at hand, so that the order of classes is theirs.
  const classes = codesOf(samples.map((sample) => codes[sample]));
  const order = samples.map((_, i) => i).sort((a, b) => classes[a]! - classes[b]! || keys[a]! - keys[b]!);
  const folded = new Array<number>(samples.length);
  order.forEach((i, rank) => {
    folded[i] = rank % folds;
  });
  return folded;
};

/** Groups, the largest first and those of a size in random order, each go to the fold with the fewest samples. */
const groupedFolds = (
  samples: readonly number[],
  folds: number,
  stream: readonly number[],
  codes: readonly number[],
): number[] => {
  const groups = codesOf(samples.map((sample) => codes[sample]));
  const sizes: number[] = [];
  for (const group of groups) sizes[group] = (sizes[group] ?? 0) + 1;
  refuseFewer(sizes.length, folds, "groups");
  const key = keysOf(stream);
  const order = sizes.map((_, group) => group).sort((a, b) => sizes[b]! - sizes[a]! || key(a) - key(b));
  const filled = new Array<number>(folds).fill(0);
  const foldOfGroup: number[] = [];
  for (const group of order) {
    const fold = filled.indexOf(Math.min(...filled));
    foldOfGroup[group] = fold;
    filled[fold]! += sizes[group]!;
  }
  return groups.map((group) => foldOfGroup[group]!);
};

/** The last `folds` blocks of equal size are tested in turn, each after training on all that comes before it. */
const timeSeriesFold = (samples: readonly number[], fold: number, folds: number): Indices => {
  refuseFewer(samples.length, folds + 1, "samples");
  const size = Math.floor(samples.length / (folds + 1));
  const start = samples.length - (folds - fold) * size;
  return { train: samples.slice(0, start), test: samples.slice(start, start + size) };
};

const refuseFewer = (count: number, least: number, what: string): void => {
  if (count < least) {
    throw new RangeError(`${count} ${what} are too few for these folds: they need at least ${least}.`);
  }
};

/** Mixes 32 bits one to one (the finaliser of MurmurHash3). */
const mix = (n: number): number => {
  let h = n >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

const GOLDEN = 0x9e3779b9;

/** Random keys of whole numbers below 2^32, no two of them equal. @param stream whole numbers that name the keys. */
const keysOf = (stream: readonly number[]): ((n: number) => number) => {
  const first = stream.reduce((state, word) => mix((state ^ word) + GOLDEN), 0);
  const second = mix(first + GOLDEN);
  return (n) => mix(mix(n ^ first) ^ second);
};
