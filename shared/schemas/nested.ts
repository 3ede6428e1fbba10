import * as z from "zod";
import { Seed } from "../optimizer/choice.ts";
import { SafeInt } from "../values.ts";

const Digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "Give the digest as 64 hexadecimal digits.")
  .optional();

export const SplitKind = z.enum(["plain", "stratified", "grouped", "time-series"]);

/** Each outer fold holds samples back, searches on the others, and scores its winner on what it held back. */
export const NestedCv = z.strictObject({
  type: z.literal("nested-cv"),
  samples: z.int().min(4).max(100_000_000).meta({ description: "How many samples there are." }),
  outer: z.strictObject({
    kind: SplitKind.optional().meta({
      description:
        "`plain` by default. The inner folds are of the same kind. Stratified folds are made from the client's labels, grouped ones from its groups.",
    }),
    folds: z.int().min(2).max(40),
    repeats: z.int().min(1).max(20).optional().meta({
      description: "How often all outer folds are drawn, each time anew; 1 by default.",
    }),
  }),
  inner: z.strictObject({
    folds: z.int().min(2).max(100),
    together: z.boolean().optional().meta({
      description:
        "By default each inner fold of a configuration is a trial of its own. `true`: one trial scores its configuration on all inner folds, as schedulers need it.",
    }),
  }),
  seed: Seed.optional().meta({ description: "Of the folds; 0 by default." }),
  labels: Digest.meta({
    description: "The digest of the labels, by which clients check that they split the same samples.",
  }),
  groups: Digest.meta({ description: "The same of the groups." }),
});

/** Which samples an asked trial trains on and is scored on: clients rebuild the indices (docs/methods/nested-cv.md). */
export const Split = z
  .strictObject({
    phase: z.enum(["search", "refit"]).meta({
      description:
        "`search`: score the configuration on the inner folds. `refit`: train the winner on the whole outer training set and score it on the outer test set.",
    }),
    repeat: SafeInt,
    outer: SafeInt.meta({ description: "The outer fold, from 0." }),
    inner: SafeInt.nullable().meta({
      description:
        "The inner fold, from 0; null for a refit, and where one trial is scored on all inner folds.",
    }),
    kind: SplitKind,
    samples: SafeInt,
    folds: z.strictObject({ outer: SafeInt, inner: SafeInt }),
    seed: SafeInt,
    labels: z.string().optional(),
    groups: z.string().optional(),
  })
  .meta({ description: "Only in a study with nested cross-validation." });

export const OuterFold = z.strictObject({
  repeat: SafeInt,
  outer: SafeInt,
  state: z.enum(["search", "refit", "completed", "failed"]).meta({
    description: "`failed`: no trial completed, or the refit of the winner failed in all of its attempts.",
  }),
  trials: SafeInt.meta({ description: "Trials of its search that have ended." }),
  winner: SafeInt.nullable().meta({ description: "The number of the best trial of the search so far." }),
  refit: SafeInt.nullable().meta({ description: "The number of the winner's refit." }),
  innerScore: z.number().nullable().meta({ description: "The winner's value in the search." }),
  outerScore: z.number().nullable().meta({ description: "Its value on the outer test set." }),
});

/** What nested cross-validation has found so far. */
export const NestedResult = z.strictObject({
  folds: z.array(OuterFold),
  scored: SafeInt.meta({ description: "Folds that have an outer score: the figures below are of these." }),
  mean: z.number().nullable().meta({ description: "The mean of the outer scores." }),
  sd: z.number().nullable().meta({ description: "Their standard deviation; null for fewer than two." }),
  standardError: z.number().nullable().meta({
    description:
      "Of the mean, corrected for training sets that overlap (Nadeau and Bengio 2003); null for fewer than two scores.",
  }),
  innerMean: z.number().nullable().meta({ description: "The mean of the winners' inner scores." }),
  gap: z.number().nullable().meta({
    description:
      "The optimism gap: by how much the inner scores are better than the outer ones, in the mean, whichever direction is better.",
  }),
});

export type NestedCv = z.infer<typeof NestedCv>;
export type Split = z.infer<typeof Split>;
export type OuterFold = z.infer<typeof OuterFold>;
export type NestedResult = z.infer<typeof NestedResult>;
