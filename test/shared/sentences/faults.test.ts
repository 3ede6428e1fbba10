import fc from "fast-check";
import { expect, test } from "vitest";
import { type Fault, faultSentence } from "../../../shared/sentences/faults.ts";
import { count, kindsOf, NOT_WORDS, none, shownOf, word } from "../../support/sentences.ts";

const known = fc.record({ known: fc.array(word, { minLength: 1, maxLength: 3 }), hasMore: fc.boolean() });
const range = fc.record({ low: count, high: count, step: fc.option(count) });
const given = fc.record({ given: count });
const both = <A extends object, B extends object>(a: fc.Arbitrary<A>, b: fc.Arbitrary<B>) =>
  fc.tuple(a, b).map(([one, other]) => ({ ...one, ...other }));
const wanted = fc.record({
  wanted: fc.oneof(
    known.map((choices) => ({ type: "choice" as const, ...choices })),
    both(range, fc.record({ type: fc.constant("number" as const), isInt: fc.boolean() })),
  ),
});
const cronField = fc.constantFrom(
  "minutes" as const,
  "hours" as const,
  "day of month" as const,
  "month" as const,
  "day of week" as const,
  "year" as const,
);
const scaled = fc.record({ scale: word, limit: count, given: count });

/** Those of bodies, studies, spaces, configurations and options are in this one table. */
const faults = kindsOf<Fault>({
  text: fc.record({ text: word.map((text) => `Words of ${text}.`) }),
  "name-reserved": fc.record({ name: word }),
  "half-surrogate": none,
  "beyond-doubles": fc.record({ literal: word }),
  "inexact-integer": fc.record({ literal: word, becomes: word }),
  "checkpoint-unknown": none,
  "checkpoint-missing": none,
  "checkpoint-superseded": none,
  "other-team": fc.record({ team: word }),
  "cursor-of-no-page": none,
  "query-given-twice": fc.record({ name: word }),
  "metric-named-twice": fc.record({ metric: word, field: fc.constantFrom("objectives", "outcomes") }),
  "min-above-max": fc.record({ min: count, max: count }),
  "too-many-in-rung": fc.record({ scheduler: word, most: count }),
  "spending-of-client": fc.record({ field: fc.constantFrom("dollars", "gpuHours") }),
  "gpu-hours-without-gpus": none,
  "environment-name-taken": fc.record({ name: word }),
  "variable-twice": fc.record({ name: word }),
  "secret-elsewhere": fc.record({ prefix: word }),
  "secret-like-an-arn": fc.record({ end: word }),
  "too-many-comparisons": fc.record({ most: count }),
  "one-objective-only": fc.record({ scheduler: word, objectives: count }),
  "spending-below-folds": fc.record({
    field: fc.constantFrom("dollars", "gpuHours"),
    limit: count,
    least: count,
    folds: count,
  }),
  "nested-segments": none,
  "lineage-of-folds": none,
  "generations-of-client": none,
  "nested-objectives": fc.record({ objectives: count }),
  "too-many-folds": fc.record({ folds: count, most: count }),
  "time-series-repeated": none,
  "too-few-samples": fc.record({ samples: count }),
  "race-of-objectives": fc.record({ objectives: count }),
  "too-few-instances": fc.record({ runs: count, firstTest: count }),
  "race-budget": fc.record({ trials: count, least: count }),
  "result-of-race": fc.record({ algorithm: word }),
  "race-full": fc.record({ entrants: count, wanted: count }),
  "earlier-useless": fc.record({ algorithm: word }),
  "earlier-of-nested": none,
  "earlier-nested": fc.record({ study: word }),
  "earlier-twice": fc.record({ study: word }),
  "earlier-parameter": both(fc.record({ study: word, name: word }), known),
  "renamed-twice": fc.record({ name: word }),
  "assumed-known": fc.record({ study: word, name: word }),
  "earlier-objective": fc.record({
    study: word,
    metric: word,
    direction: fc.constantFrom("minimize", "maximize"),
    objectives: fc.array(fc.record({ metric: word, direction: fc.constantFrom("minimize", "maximize") }), {
      minLength: 1,
      maxLength: 3,
    }),
  }),
  "earlier-nothing-common": fc.record({ study: word }),
  "race-without-runs": fc.record({ algorithm: word }),
  "too-many-runs": fc.record({ runs: count, most: count }),
  "budget-below-runs": fc.record({ trials: count, runs: count }),
  "runs-with-scheduler": fc.record({ scheduler: word }),
  "runs-with-repeats": fc.record({ field: fc.constantFrom("failed", "completed") }),
  "gradients-unused": fc.record({ algorithm: word }),
  "gradients-of-several": fc.record({ objectives: fc.integer({ min: 2, max: 8 }) }),
  "gradients-with-runs": fc.constant({}),
  "gradients-needed": fc.constant({}),
  "gradients-unexpected": fc.constant({}),
  "gradients-of-other-metric": fc.record({ metric: word, objective: word }),
  "gradient-of-nothing": fc.record({ parameter: word }),
  "gradient-of-choice": fc.record({ parameter: word }),
  "metric-missing": fc.record({ metric: word, role: fc.constantFrom("objective", "outcome"), told: word }),
  "too-many-queued": fc.record({ queued: count, most: count }),
  "import-too-large": none,
  "executor-too-large": fc.record({ bytes: count, most: count }),
  "no-such-market": fc.record({ market: word }),
  "image-not-allowed": fc.record({ prefixes: fc.array(word, { minLength: 1, maxLength: 3 }) }),
  "unknown-parameter": both(fc.record({ name: word }), known),
  "low-above-high": fc.record({ low: count, high: count }),
  "bound-not-finite": fc.record({ field: word }),
  "bound-not-whole": fc.record({ field: word, given: count }),
  "bound-not-exact": fc.record({ field: word, given: count }),
  "bounds-too-far-apart": none,
  "below-scale": scaled,
  "above-scale": scaled,
  "scale-of-floats": fc.record({ scale: word }),
  "step-not-positive": given,
  "step-not-whole": given,
  "step-too-large": fc.record({ given: count, low: count, high: count }),
  // Shown as a power of two.
  "too-many-values": fc.record({ name: word, scale: word, most: fc.constant(2 ** 0.5) }),
  "prior-shape": fc.record({ field: word, given: count }),
  "prior-mean": fc.record({ given: count, low: count, high: count }),
  "prior-sd": given,
  "no-choices": none,
  "choice-twice": given,
  "weight-count": fc.record({ weights: count, choices: count }),
  "weight-not-positive": given,
  "weights-too-large": none,
  "condition-cycle": fc.record({ path: fc.array(word, { minLength: 2, maxLength: 4 }) }),
  "bounds-on-choices": fc.record({ parent: word }),
  "no-choice-within": fc.record({ parent: word }),
  "no-value-within": fc.record({ parent: word, low: count, high: count }),
  "not-a-choice": both(fc.record({ name: word, given: count }), known),
  "never-equals": fc.record({ name: word, given: count, low: count, high: count, step: count }),
  "constraint-on-choices": fc.record({ name: word, type: word }),
  "constraint-too-large": fc.record({ most: count }),
  "coefficient-not-finite": none,
  "named-like-a-bound": fc.record({ name: word }),
  "constraint-of-nothing": none,
  "constraint-without-bound": none,
  "max-out-of-reach": fc.record({ max: count, least: count }),
  "min-out-of-reach": fc.record({ min: count, most: count }),
  "forbids-everything": none,
  // Of whole numbers every one is a step, which is not said.
  "not-a-number-of": both(fc.record({ name: word, given: count, isInt: fc.boolean() }), range).filter(
    ({ isInt, step }) => !(isInt && step === 1),
  ),
  "nothing-allowed": none,
  "missing-value": both(fc.record({ name: word }), wanted),
  "wrong-value": both(given, wanted),
  "inactive-parameter": fc.record({ name: word, parents: fc.array(word, { minLength: 1, maxLength: 3 }) }),
  "constraint-broken": fc.record({ constraint: count }),
  "combination-forbidden": fc.record({ combination: count }),
  "too-many-segments": fc.record({ segments: count, most: count }),
  "segments-without-resource": fc.record({ algorithm: word }),
  "segments-of-nobody": fc.record({ algorithm: word }),
  "keep-unknown": fc.record({ name: word }),
  "bandit-one-objective": fc.record({ objectives: count }),
  "harmonica-too-slow": fc.record({ bits: count, degree: count, samples: count }),
  "cron-fields": given,
  "cron-value": fc.record({ field: cronField, given: word }),
  "cron-range": fc.record({ field: cronField, given: word }),
  "cron-step": fc.record({ field: cronField, given: word, most: count }),
  "cron-days": fc.record({ given: fc.constantFrom("both", "neither") }),
  "too-frequent": fc.record({ minutes: count, least: count }),
  "never-fires": none,
  "timezone-unknown": fc.record({ given: word, meant: fc.option(word) }),
  "timezone-twice": fc.record({ at: word }),
  "at-no-date": fc.record({ at: word }),
  "at-skipped": fc.record({ at: word, timezone: word }),
  "at-past": fc.record({ at: word }),
  "at-late": fc.record({ at: word }),
  "earlier-missing": fc.record({ study: word }),
  "too-many-earlier": fc.record({ last: count, named: count, most: count }),
});

test.each(faults)("a fault of the kind %s is a sentence of its facts", (_, facts) => {
  fc.assert(
    fc.property(facts, (fault) => {
      const sentence = faultSentence(fault);
      expect(sentence).not.toMatch(NOT_WORDS);
      expect(sentence).toMatch(/^[A-Za-z0-9].*\.$/);
      for (const fact of shownOf(fault)) expect(sentence).toContain(fact);
    }),
  );
});

test("a firing after one minute is not told in the plural", () => {
  expect(faultSentence({ kind: "too-frequent", minutes: 1, least: 5 })).toContain("after 1 minute.");
  expect(faultSentence({ kind: "too-frequent", minutes: 2, least: 5 })).toContain("after 2 minutes.");
});

test("a metric that is missing is told by its role", () => {
  const facts = { kind: "metric-missing", metric: "ms", told: "accuracy" } as const;
  expect(faultSentence({ ...facts, role: "objective" })).toContain(
    "a value for ms, an objective; told: accuracy.",
  );
  expect(faultSentence({ ...facts, role: "outcome" })).toContain("an outcome with a limit");
});

test("a metric that is named twice is told how to name it once", () => {
  const facts = { kind: "metric-named-twice", metric: "ms" } as const;
  expect(faultSentence({ ...facts, field: "objectives" })).toBe("ms is named twice. Name each metric once.");
  expect(faultSentence({ ...facts, field: "outcomes" })).toBe(
    "ms is named twice. Give its max and min together.",
  );
});

test("every allowed beginning of an image's name is listed", () => {
  expect(faultSentence({ kind: "image-not-allowed", prefixes: ["a/", "b/"] })).toContain(" a/ or b/.");
});
