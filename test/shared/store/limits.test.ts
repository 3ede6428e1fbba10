import { marshall } from "@aws-sdk/util-dynamodb";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  itemBytes,
  MAX_ACTIONS,
  MAX_ITEM_BYTES,
  MAX_TRANSACTION_BYTES,
  refuseLargeItem,
  refuseLargeTransaction,
} from "../../../shared/store/limits.ts";
import { itemBytes as countedByDynamoDb, type WireItem } from "../../support/item-size.ts";
import * as table from "../../support/memory-table/limits.ts";

test("the limits are the table's", () => {
  expect({ MAX_ACTIONS, MAX_ITEM_BYTES, MAX_TRANSACTION_BYTES }).toEqual({
    MAX_ACTIONS: table.MAX_ACTIONS,
    MAX_ITEM_BYTES: table.MAX_ITEM_BYTES,
    MAX_TRANSACTION_BYTES: table.MAX_TRANSACTION_BYTES,
  });
});

const attribute = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.uint8Array({ maxLength: 40 }),
);

/** As the wire has it: bytes in base64. */
const wireOf = (item: Record<string, unknown>): WireItem =>
  Object.fromEntries(
    Object.entries(marshall(item)).map(([name, value]) => [
      name,
      "B" in value && value.B !== undefined ? { B: Buffer.from(value.B).toString("base64") } : value,
    ]),
  ) as WireItem;

test("an item is never counted smaller than DynamoDB counts it, and at most a few bytes a number larger", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[A-Za-zü]{1,20}_$/), attribute), (item) => {
      const counted = countedByDynamoDb(wireOf(item));
      const numbers = Object.values(item).filter((value) => typeof value === "number").length;
      expect(itemBytes(item)).toBeGreaterThanOrEqual(counted);
      expect(itemBytes(item)).toBeLessThanOrEqual(counted + 12 * numbers);
    }),
  );
});

test("what is over a limit is refused in words that name the limit, and is no passing fault", () => {
  expect(() => refuseLargeItem("trial", MAX_ITEM_BYTES)).not.toThrow();
  expect(() => refuseLargeItem("trial", MAX_ITEM_BYTES + 1)).toThrow(
    expect.objectContaining({ type: "too-large", message: expect.stringContaining("400 KiB") }),
  );
  expect(() => refuseLargeTransaction(MAX_ACTIONS, MAX_TRANSACTION_BYTES)).not.toThrow();
  for (const [actions, bytes] of [
    [MAX_ACTIONS + 1, 1],
    [1, MAX_TRANSACTION_BYTES + 1],
  ] as const) {
    expect(() => refuseLargeTransaction(actions, bytes)).toThrow(
      expect.objectContaining({ type: "too-large", message: expect.stringContaining("4 MiB") }),
    );
  }
});
