import fc from "fast-check";
import { expect, test } from "vitest";
import { type Reason, reasonSentence } from "../../../shared/sentences/reasons.ts";
import { count, kindsOf, NOT_WORDS, none, shownOf, word } from "../../support/sentences.ts";

const rung = { rung: count, unit: word, resource: count };
const rankFacts = fc.record({
  ...rung,
  rank: count,
  of: count,
  goOn: count,
  threshold: fc.option(fc.double({ noNaN: true, min: -1e6, max: 1e6 })),
});
const detail = fc.record({ detail: word });

const reasons = kindsOf<Reason>({
  "no-scheduler": none,
  "decided-in-rounds": fc.record({ scheduler: word }),
  heartbeat: none,
  "rung-incomplete": fc.record(rung),
  "rung-rank": rankFacts,
  "rung-waits": rankFacts,
  "above-median": rankFacts,
  "below-median": rankFacts,
  "not-promoted": fc.record({ rung: count }),
  "rung-too-few": fc.record({ ...rung, of: count, needed: count }),
  "before-rung": fc.record({ unit: word, next: fc.option(count) }),
  "objective-missing": none,
  "lease-expired": none,
  "attempts-lost": fc.record({ lost: count, last: word }),
  "study-stopped": none,
  "metric-not-finite": fc.record({ metric: word, told: word }),
  infra: detail,
  "never-claimed": none,
  "ended-before-claim": detail,
  "no-result": none,
  "timed-out": none,
  "job-forgotten": none,
  "machine-lost": none,
  "ended-by-hone": none,
  "out-of-memory": none,
  "asked-to-repeat": none,
  terminated: none,
  "image-not-pulled": none,
  "container-not-started": none,
  "secret-unread": none,
  "not-prepared": none,
  "no-capacity": none,
  "no-such-machine": none,
  "not-started-unknown": none,
  "ended-unknown": none,
  "definition-refused": none,
  "access-refused": none,
  "job-refused": none,
  killed: none,
  "exit-code": fc.record({ code: count }),
});

test.each(reasons)("a reason of the kind %s is words of its facts", (_, facts) => {
  fc.assert(
    fc.property(facts, (reason) => {
      const words = reasonSentence(reason);
      expect(words).not.toMatch(NOT_WORDS);
      expect(words.length).toBeGreaterThan(8);
      for (const fact of shownOf(reason)) expect(words).toContain(fact);
    }),
  );
});

test.each([
  [1, "1st"],
  [2, "2nd"],
  [3, "3rd"],
  [4, "4th"],
  [11, "11th"],
  [12, "12th"],
  [13, "13th"],
  [21, "21st"],
  [102, "102nd"],
  [111, "111th"],
])("rank %i of a rung is the %s", (rank, ordinal) => {
  expect(
    reasonSentence({ kind: "rung-rank", rung: 1, unit: "epoch", resource: 3, rank, of: 200, goOn: 66 }),
  ).toBe(`rung 1 (epoch 3): ${ordinal} of 200, the first 66 go on`);
});
