import fc from "fast-check";
import { expect, test } from "vitest";
import { type Refusal, refusalSentence } from "../../../shared/sentences/refusals.ts";
import { count, kindsOf, NOT_WORDS, none, shownOf, word } from "../../support/sentences.ts";

/** The parser's codes that have words of their own, and one that has none. */
const code = fc.constantFrom("ColonExpected", "EndOfFileExpected", "InvalidCharacter", "SomethingNew");

const refusals = kindsOf<Refusal>({
  "no-path": none,
  "trials-of-nested": none,
  "race-begun": none,
  "another-team": none,
  "no-team": fc.record({ team: word }),
  "team-deleted": none,
  "team-being-deleted": fc.record({ team: word }),
  "no-token": fc.record({ id: word }),
  "no-sweep": fc.record({ sweep: word }),
  "too-many-sweeps": fc.record({ most: count }),
  "no-study": fc.record({ study: word }),
  "no-trial": fc.record({ trial: count }),
  "credential-missing": none,
  "credential-malformed": none,
  "credential-unknown": none,
  "credential-expired": fc.record({ expired: word }),
  "job-token-elsewhere": none,
  "job-token-stale": none,
  "token-of-one-study": fc.record({ study: word }),
  "token-of-one-trial": none,
  "token-of-one-attempt": fc.record({ attempt: count }),
  "no-member": fc.record({ name: word }),
  "no-grant": fc.record({ grant: word }),
  "credential-replaced": fc.record({ ended: word }),
  "last-owner": fc.record({ name: word }),
  "member-leaving": fc.record({ name: word }),
  "rotated-lately": fc.record({ until: word }),
  "token-of-member": fc.record({ id: word, member: word }),
  "too-many-grants": fc.record({ most: count }),
  "no-role": fc.record({ action: word }),
  "role-not-allowed": fc.record({ role: word, action: word }),
  "worker-without-study": none,
  "not-signed": none,
  "identity-unknown": none,
  "session-ended": none,
  "session-makes-none": none,
  "sessions-refused": none,
  "job-token-not-allowed": fc.record({ token: word, action: word }),
  "already-told": fc.record({ trial: count, state: word }),
  "stale-attempt": fc.record({ trial: count, given: count, current: count }),
  "claim-lost": fc.record({ trial: count, attempt: count }),
  "told-by-its-job": fc.record({}),
  "claim-of-stranger": fc.record({ trial: count, attempt: count }),
  "study-paused": none,
  "study-finished": none,
  "not-worth-more": none,
  "space-exhausted": fc.record({ left: count }),
  "rounds-begun": none,
  "folds-begun": none,
  "budget-below-used": fc.record({ used: count }),
  "budget-without-room": fc.record({ left: count, wanted: count }),
  "team-exists": fc.record({ team: word }),
  "batch-refuses": none,
  "ask-of-batch": none,
  "start-of-client": none,
  "stop-of-client": none,
  "claim-of-client": none,
  "release-of-job": none,
  "key-reused": none,
  "key-malformed": none,
  "in-progress": none,
  "secret-shown": fc.record({ id: word }),
  "too-many-studies": fc.record({ most: count }),
  "too-many-creations": fc.record({ most: count }),
  "too-many-requests": fc.record({ most: count }),
  internal: none,
  busy: none,
  "too-slow": none,
  "token-unchecked": none,
  "no-machines": none,
  "not-json": none,
  "not-utf8": none,
  "byte-order-mark": none,
  "key-twice": fc.record({ key: word }),
  "syntax-error": fc.record({ line: count, column: count, code }),
  "non-finite-literal": fc.record({ literal: word, line: count, column: count }),
  "body-too-large": fc.record({ limitKiB: count }),
  "body-too-deep": fc.record({ levels: count }),
  "item-too-large": fc.record({ what: word, limitKiB: count }),
  "write-too-large": fc.record({ limitMiB: count }),
  "reply-too-large": fc.record({ limitMB: count }),
  "compressed-body": none,
  "no-media-type": none,
  "other-media-type": none,
  "other-charset": none,
});

test.each(refusals)("a refusal of the kind %s is a sentence of its facts", (_, facts) => {
  fc.assert(
    fc.property(facts, (refusal) => {
      const sentence = refusalSentence(refusal);
      expect(sentence).not.toMatch(NOT_WORDS);
      expect(sentence).toMatch(/^[A-Za-z0-9].*\.$/);
      for (const fact of shownOf(refusal)) expect(sentence).toContain(fact);
    }),
  );
});

test("an attempt that is over and one that is not there yet are told apart", () => {
  const stale = (given: number, current: number) =>
    refusalSentence({ kind: "stale-attempt", trial: 7, given, current });
  expect(stale(1, 2)).toBe(
    "Attempt 1 of trial 7 no longer owns it (the trial is on attempt 2). Stop this run.",
  );
  expect(stale(3, 2)).toBe("Trial 7 is on attempt 2; there is no attempt 3 yet.");
});

test("what is wrong with JSON is said where the parser knows it, and the place always", () => {
  const error = (code: string) => refusalSentence({ kind: "syntax-error", line: 2, column: 9, code });
  expect(error("ColonExpected")).toBe("The body is not valid JSON at line 2, column 9: a colon is expected.");
  expect(error("SomethingNew")).toBe("The body is not valid JSON at line 2, column 9.");
});

test("a key is repeated as JSON writes it, so that none breaks the sentence", () => {
  expect(refusalSentence({ kind: "key-twice", key: 'a"\n' })).toBe(
    'The key "a\\"\\n" occurs twice in one object.',
  );
});
