import fc from "fast-check";
import { expect, test } from "vitest";
import { type FiringReason, firingReasonSentence } from "../../../shared/sentences/firing-reasons.ts";
import { kindsOf, NOT_WORDS, shownOf, word } from "../../support/sentences.ts";

const reasons = kindsOf<FiringReason>({
  overlaps: fc.record({ study: word }),
  "one-waits": fc.record({ firing: word }),
  waits: fc.record({ study: word }),
  replaces: fc.record({ study: word }),
  refused: fc.record({ detail: word.map((text) => `Words of ${text}.`) }),
});

test.each(reasons)("a reason of a firing of the kind %s is a sentence of its facts", (_, facts) => {
  fc.assert(
    fc.property(facts, (reason) => {
      const sentence = firingReasonSentence(reason);
      expect(sentence).not.toMatch(NOT_WORDS);
      expect(sentence).toMatch(/^[A-Z].*\.$/);
      for (const fact of shownOf(reason)) expect(sentence).toContain(fact);
    }),
  );
});
