import fc from "fast-check";
import { expect, test } from "vitest";
import { escapedBytes } from "../../../shared/bytes.ts";
import { createRandom } from "../../../shared/numerics/random.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { fromCube } from "../../../shared/space/cube.ts";
import type { SpaceDefinition } from "../../../shared/space/definition.ts";
import { samplePrior } from "../../../shared/space/sample.ts";
import {
  longestConfiguration,
  MAX_REPLY_BYTES,
  mostLeases,
  mostTrialChanges,
} from "../../../shared/study/capacity.ts";

const wide = (count: number, parameter: SpaceDefinition[string]): SpaceDefinition =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, parameter]));
const float = { type: "float", low: -1e300, high: 1e300 } as const;

test("in ordinary spaces ninety trials go into a transaction, with room for ten other changes, and into a reply", () => {
  for (const count of [1, 10, 100]) {
    const space = compileSpace(wide(count, float));
    expect([mostTrialChanges(space), mostLeases(space)]).toEqual([90, 90]);
  }
});

test("of a thousand numbers 78 go into a transaction; of long texts as many into a reply as have room there", () => {
  expect(mostTrialChanges(compileSpace(wide(1000, float)))).toBe(78);
  const texts = compileSpace(wide(900, { type: "categorical", choices: ["x".repeat(150), "y"] }));
  // 900 x (150 + about 13 with escapes) bytes beside 8,000.
  expect(mostLeases(texts)).toBe(35);
  expect(mostTrialChanges(texts)).toBe(90);
});

test("no configuration is longer in JSON than its space's longest, and what an ask may hand out fits a reply", () => {
  const choice = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 256 }).filter((text) => text.length <= 256),
    fc.integer(),
    fc.boolean(),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(choice, { minLength: 1, maxLength: 5, comparator: "SameValue" }),
      fc.integer({ min: 1, max: 60 }),
      fc.nat(),
      (choices, count, seed) => {
        const space = compileSpace({
          ...wide(count, { type: "categorical", choices }),
          x: float,
          n: { type: "int", low: -5, high: 5 },
        });
        const params = fromCube(space, samplePrior(space, createRandom(seed)));
        const longest = longestConfiguration(space);
        expect(escapedBytes(JSON.stringify(params))).toBeLessThanOrEqual(longest + 2);
        expect(mostLeases(space) * longest).toBeLessThanOrEqual(MAX_REPLY_BYTES);
        expect(mostLeases(space)).toBeGreaterThan(0);
      },
    ),
  );
});
