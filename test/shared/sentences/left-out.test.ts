import fc from "fast-check";
import { expect, test } from "vitest";
import { LeftOutReason } from "../../../shared/schemas/warm-start.ts";
import { type LeftOutFacts, leftOutSentence } from "../../../shared/sentences/left-out.ts";
import { count, NOT_WORDS, word } from "../../support/sentences.ts";

test.each(LeftOutReason.options)("why trials were left out (%s) is a sentence of its facts", (kind) => {
  const facts = fc.record({ trials: count, parameters: fc.array(word, { minLength: 1, maxLength: 3 }) });
  fc.assert(
    fc.property(facts, ({ trials, parameters }) => {
      const sentence = leftOutSentence({ kind, trials, parameters } satisfies LeftOutFacts);
      expect(sentence).not.toMatch(NOT_WORDS);
      expect(sentence).toMatch(/^[0-9].*\.$/);
      expect(sentence).toContain(String(trials));
    }),
  );
});
