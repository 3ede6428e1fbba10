import fc from "fast-check";
import type { SampleData, Split, SplitKind } from "../../clients/typescript/splits.ts";

/** Splits and samples that fit them. */
export interface SplitCase {
  readonly split: Split;
  readonly data: SampleData;
}

const MOST_FOLDS = 6;
export const KINDS = [
  "plain",
  "stratified",
  "grouped",
  "time-series",
] as const satisfies readonly SplitKind[];

/** Samples enough for every fold; groups with their labels, of very different sizes. */
export const anySplit = (kinds: readonly SplitKind[] = KINDS): fc.Arbitrary<SplitCase> =>
  fc
    .record({
      kind: fc.constantFrom(...kinds),
      samples: fc.integer({ min: (MOST_FOLDS + 1) ** 2, max: 150 }),
      outerFolds: fc.integer({ min: 2, max: MOST_FOLDS }),
      innerFolds: fc.integer({ min: 2, max: MOST_FOLDS }),
      seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      repeat: fc.integer({ min: 0, max: 9 }),
      place: fc.tuple(fc.nat(), fc.nat()),
      isRefit: fc.boolean(),
      draws: fc.array(fc.nat({ max: 999 }), { minLength: 150, maxLength: 150 }),
      classes: fc.integer({ min: 1, max: 5 }),
    })
    .map(({ kind, samples, outerFolds, innerFolds, seed, repeat, place, isRefit, draws, classes }) => {
      const drawn = draws.slice(0, samples);
      // The first samples have a group each, so that there are as many groups as two levels of folds need.
      const groups = drawn.map((draw, i) => (i < 2 * MOST_FOLDS ? i : Math.floor((draw / 1000) ** 2 * 40)));
      return {
        split: {
          phase: isRefit ? ("refit" as const) : ("search" as const),
          repeat,
          outer: place[0] % outerFolds,
          inner: isRefit ? null : place[1] % innerFolds,
          kind,
          samples,
          folds: { outer: outerFolds, inner: innerFolds },
          seed,
        },
        data: {
          ...(kind === "stratified" && { labels: drawn.map((draw) => `class ${draw % classes}`) }),
          ...(kind === "grouped" && { groups }),
        },
      };
    });
