import fc from "fast-check";
import { expect, test } from "vitest";
import { fillPage, firstPage, PAGE_BYTES } from "../../../shared/study/page.ts";

const bytes = (items: readonly string[]) => Buffer.byteLength(JSON.stringify(items));

test("pages hold every item once and in order, each at least one and otherwise no more bytes than it may", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme" })),
      fc.integer({ min: 1, max: 200 }),
      (items, most) => {
        const pages: string[][] = [];
        for (let rest = items; rest.length > 0; rest = rest.slice(pages.at(-1)!.length)) {
          pages.push(firstPage(rest, most));
          expect(pages.at(-1)!.length).toBeGreaterThan(0);
        }
        expect(pages.flat()).toEqual(items);
        for (const page of pages) if (page.length > 1) expect(bytes(page)).toBeLessThanOrEqual(most + 2);
      },
    ),
  );
});

test("a quote counts as the two bytes that it has in a Lambda's reply", () => {
  const fits = fillPage(30);
  // Quotes of its own, and around it: `\"\\\"\"`.
  expect([fits('"'.repeat(4)), fits('"'.repeat(4))]).toEqual([true, false]);
});

test("what an item takes beside its JSON counts, and a full page leaves room in a Lambda's reply of 6 MB", () => {
  const fits = fillPage(100);
  expect([fits("a", 88), fits("a", 0), fits("a", 0), fits("", 50)]).toEqual([true, true, false, false]);
  expect(PAGE_BYTES).toBeLessThan(5.5e6);
});
