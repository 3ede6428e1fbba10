import fc from "fast-check";
import { expect, test } from "vitest";
import { ID } from "../../../../shared/patterns.ts";
import { cursorsOf } from "../../../../shared/service/core/cursor.ts";

const cursors = cursorsOf("studies of acme", ID);
const place = fc.stringMatching(new RegExp(`^${ID}$`));
const refusal = expect.objectContaining({ type: "invalid-input", pointer: "/cursor" });

test("without a cursor a list begins with its first page", () => {
  expect(cursors.read(undefined)).toBeNull();
});

test("a cursor reads back as the place it was written for, and is safe in a query", () => {
  fc.assert(
    fc.property(place, (written) => {
      const cursor = cursors.write(written);
      expect(cursors.read(cursor)).toBe(written);
      expect(encodeURIComponent(cursor)).toBe(cursor);
    }),
  );
});

test("a cursor of another list is refused", () => {
  const other = cursorsOf("studies of other", ID);
  fc.assert(
    fc.property(place, (written) => {
      expect(() => cursors.read(other.write(written))).toThrow(refusal);
    }),
  );
});

test("what no page gave is refused", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(() => cursors.read(text)).toThrow(refusal);
    }),
  );
});

test("a place that is not of the list's form is refused, even with a right checksum", () => {
  const loose = cursorsOf("studies of acme", ".*");
  expect(() => cursors.read(loose.write("../NO"))).toThrow(refusal);
});
