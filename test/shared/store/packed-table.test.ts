import fc from "fast-check";
import { expect, test } from "vitest";
import { asha } from "../../../shared/scheduler/asha.ts";
import { SAMPLE } from "../../../shared/scheduler/rung-table.ts";
import { sha } from "../../../shared/scheduler/sha.ts";
import type { Standing } from "../../../shared/scheduler/standing.ts";
import { MAX_ITEM_BYTES } from "../../../shared/store/limits.ts";
import { packTable, unpackTable } from "../../../shared/store/packed-table.ts";

const double = fc.double();
// A sum that begins with 0 is never -0.
const violation = double.map((value) => value + 0);
const tables = fc.integer({ min: 1, max: 8 }).chain((objectives) => {
  const standing = fc.record({
    trial: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    costs: fc.array(double, { minLength: objectives, maxLength: objectives }),
    violation: fc.oneof(fc.constant(0), violation),
  });
  return fc.record({
    entered: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    promoted: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    sample: fc.array(standing),
    waiting: fc.array(standing),
  });
});

test("a table reads back as it was, every double bit for bit", () => {
  fc.assert(
    fc.property(tables, (table) => {
      expect(unpackTable(packTable(table))).toEqual(table);
    }),
  );
});

test("it reads back from bytes that begin within a buffer", () => {
  const table = { entered: 2, promoted: 1, sample: [{ trial: 7, costs: [0.5], violation: 0 }], waiting: [] };
  const bytes = packTable(table);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(unpackTable(shifted.subarray(3))).toEqual(table);
});

test("a version that this code does not know is named", () => {
  const bytes = packTable({ entered: 0, promoted: 0, sample: [], waiting: [] });
  bytes[0] = 2;
  expect(() => unpackTable(bytes)).toThrow("Version 2");
});

const resource = { name: "epoch", min: 1, max: 81 };
const standings = (count: number, objectives: number, violation: number): Standing[] =>
  Array.from({ length: count }, (_, trial) => ({ trial, costs: Array(objectives).fill(0.1), violation }));

test("the largest table that there may be fits into an item, and one of a single objective into a few units", () => {
  const place = { bracket: 0, rung: 0 };
  const bytesOf = (waiting: number, objectives: number, violation: number) =>
    packTable({
      entered: 1e9,
      promoted: 0,
      sample: standings(SAMPLE, objectives, violation),
      waiting: standings(waiting, objectives, violation),
    }).length;
  const largest = sha.create({ resource }, "client").keeps(place);
  expect(bytesOf(largest, 8, 1)).toBeLessThan(MAX_ITEM_BYTES - 1024);
  const stopping = asha.create({ resource }).keeps(place);
  expect(bytesOf(stopping, 1, 0)).toBeLessThan(2 * 1024);
  const promotion = asha.create({ resource, type: "promotion" }).keeps(place);
  expect(bytesOf(promotion, 1, 0)).toBeLessThan(3 * 1024);
});
