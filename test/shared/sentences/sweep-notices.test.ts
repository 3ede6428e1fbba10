import fc from "fast-check";
import { expect, test } from "vitest";
import { type SweepNotice, sweepNoticeSentence } from "../../../shared/sentences/sweep-notices.ts";
import { kindsOf, NOT_WORDS, none, shownOf, word } from "../../support/sentences.ts";

const notices = kindsOf<SweepNotice>({
  "not-scheduled": none,
  "last-failed": fc.record({ firing: word, reason: word.map((text) => `Words of ${text}.`) }),
});

test.each(notices)("a notice of the kind %s is a sentence of its facts", (_, facts) => {
  fc.assert(
    fc.property(facts, (notice) => {
      const sentence = sweepNoticeSentence(notice);
      expect(sentence).not.toMatch(NOT_WORDS);
      for (const shown of shownOf(notice)) expect(sentence).toContain(shown);
    }),
  );
});
