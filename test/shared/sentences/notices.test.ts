import fc from "fast-check";
import { expect, test } from "vitest";
import { type Notice, noticeSentence } from "../../../shared/sentences/notices.ts";
import { count, hours, kindsOf, NOT_WORDS, none, shownOf, word } from "../../support/sentences.ts";

const notices = kindsOf<Notice>({
  text: fc.record({ text: word.map((text) => `Words of ${text}.`) }),
  "spending-limit": fc.record({
    unit: word,
    limit: hours,
    spent: hours,
    each: hours,
    reserved: count,
    paused: fc.boolean(),
  }),
  "team-budget": fc.record({
    unit: word,
    month: word,
    limit: count,
    spent: count,
    reserved: fc.integer({ min: 1, max: 1000 }),
    each: count,
  }),
  "infra-failure": fc.record({ trial: count, detail: word.map((text) => `${text}.`), paused: fc.boolean() }),
  "rounds-failed": fc.record({ rung: count, detail: word }),
  "rounds-ended": none,
  "revision-changed": fc.record({ name: word, began: count, now: count }),
  "race-over": fc.record({ left: count }),
  "space-exhausted": fc.record({ left: count, failed: fc.integer({ min: 1, max: 1000 }) }),
  "no-checkpoint": fc.record({ trial: fc.nat(), hours: fc.double({ min: 1, max: 336, noNaN: true }) }),
  "segments-unsaved": fc.record({ segments: count }),
  "not-worth-more": fc.record({
    trials: fc.nat(),
    gain: fc.double({ min: 0, max: 1e-3, noNaN: true }),
    least: fc.constantFrom(0.001, 0.05),
  }),
  "little-to-gain": fc.record({ trials: fc.nat(), gain: fc.double({ min: 0, max: 1e-3, noNaN: true }) }),
  "none-at-top": fc.record({ unit: word, top: count, reached: fc.option(count) }),
  "folds-failed": fc.record({ failed: count, folds: count }),
  "searches-ended": fc.record({ ended: count, folds: count }),
  "plain-credentials": fc.record({ names: fc.array(word, { minLength: 1, maxLength: 3 }) }),
  "none-feasible": none,
  "earlier-useless": fc.record({ studies: fc.array(word, { minLength: 1, maxLength: 3 }) }),
});

test.each(notices)("a notice of the kind %s is a sentence of its facts", (_, facts) => {
  fc.assert(
    fc.property(facts, (notice) => {
      const sentence = noticeSentence(notice);
      expect(sentence).not.toMatch(NOT_WORDS);
      expect(sentence).toMatch(/^[A-Za-z].*\.$/);
      for (const fact of shownOf(notice)) expect(sentence).toContain(fact);
    }),
  );
});

test("a budget without room says what is spent, and what to do when nothing runs", () => {
  const facts = {
    kind: "spending-limit",
    unit: "GPU hours",
    limit: 2.5,
    spent: 1,
    each: 1,
    reserved: 1,
  } as const;
  const waits =
    "The budget of 2.5 GPU hours has no room for another trial: 1.00 spent, and one may take 1.00 (1 in progress).";
  expect(noticeSentence({ ...facts, paused: false })).toBe(waits);
  expect(noticeSentence({ ...facts, paused: true })).toBe(`${waits} Extend it and resume the study.`);
});

test("a failure of the infrastructure asks for a fix when it paused the study", () => {
  const facts = { kind: "infra-failure", trial: 3, detail: "no such queue." } as const;
  expect(noticeSentence({ ...facts, paused: false })).toBe("Trial 3: infra: no such queue.");
  expect(noticeSentence({ ...facts, paused: true })).toMatch(/ Fix it and resume the study\.$/);
});
