import { expect, test } from "vitest";
import { keepBest, keepBestByStep, thinEvenly } from "../../../../shared/optimizer/common/thin.ts";

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

test.each([
  ["first", [0, 3, 6, 9]],
  ["middle", [1, 4, 7, 10]],
  ["last", [2, 5, 8, 11]],
] as const)("an even sample by the %s item of each stretch", (place, expected) => {
  expect(thinEvenly(upTo(12), 4, place)).toEqual(expected);
  expect(thinEvenly(upTo(20), 2, place)[0]).toBe({ first: 0, middle: 5, last: 9 }[place]);
});

test.each(["first", "middle", "last"] as const)(
  "an even sample by the %s item has as many items as asked for, each once and in their order",
  (place) => {
    for (const [n, most] of [
      [7, 5],
      [1001, 1000],
      [2500, 250],
    ] as const) {
      const kept = thinEvenly(upTo(n), most, place);
      expect(kept).toHaveLength(most);
      for (let k = 1; k < most; k++) expect(kept[k]!).toBeGreaterThan(kept[k - 1]!);
    }
  },
);

test("the best are kept, and of the others an even sample", () => {
  expect(keepBest(upTo(14), 8, "first")).toEqual([0, 1, 2, 3, 4, 6, 9, 11]);
  const kept = keepBestByStep(upTo(100), 20);
  expect(kept.slice(0, 10)).toEqual(upTo(10));
  expect(kept.slice(10)).toEqual([18, 27, 36, 45, 54, 63, 72, 81, 90, 99]);
});

test("nothing is left out when there are no more items than allowed", () => {
  const items = upTo(9);
  expect(thinEvenly(items, 9, "middle")).toBe(items);
  expect(keepBest(items, 9, "middle")).toBe(items);
  expect(keepBestByStep(items, 9)).toBe(items);
});
