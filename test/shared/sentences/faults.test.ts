import fc from "fast-check";
import { expect, test } from "vitest";
import { type Fault, faultSentence } from "../../../shared/sentences/faults.ts";
import { count, kindsOf, NOT_WORDS, none, shownOf, word } from "../../support/sentences.ts";

/** Those of bodies and of studies are in this one table. */
const faults = kindsOf<Fault>({
  text: fc.record({ text: word.map((text) => `Words of ${text}.`) }),
  "name-reserved": fc.record({ name: word }),
  "half-surrogate": none,
  "beyond-doubles": fc.record({ literal: word }),
  "inexact-integer": fc.record({ literal: word, becomes: word }),
  "query-given-twice": fc.record({ name: word }),
  "metric-named-twice": fc.record({ metric: word, field: fc.constantFrom("objectives", "outcomes") }),
  "min-above-max": fc.record({ min: count, max: count }),
  "too-many-round-runs": fc.record({ scheduler: word, most: count }),
  "rounds-need-batch": fc.record({ scheduler: word }),
  "one-objective-only": fc.record({ scheduler: word }),
  "metric-missing": fc.record({ metric: word, role: fc.constantFrom("objective", "outcome"), told: word }),
  "too-many-queued": fc.record({ queued: count, most: count }),
  "import-too-large": none,
  "image-not-allowed": fc.record({ prefixes: fc.array(word, { minLength: 1, maxLength: 3 }) }),
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
