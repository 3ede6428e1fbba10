import { utf8Bytes } from "../bytes.ts";
import { TooLarge } from "../errors.ts";

/**
 * The limits of what a write may hold, in one place: every write is planned against them before it is sent, so that none
 * is refused for ever by an error that looks like a passing one.
 */

/** Actions in one transaction. */
export const MAX_ACTIONS = 100;
/** An item, its names and values together. */
export const MAX_ITEM_BYTES = 400 * 1024;
/** All items of one transaction. */
export const MAX_TRANSACTION_BYTES = 4 * 1024 * 1024;

/** What an attribute holds; lists and maps travel as JSON. */
type StoredValue = string | number | boolean | Uint8Array;

/** Bytes of a value, never less than what DynamoDB counts: a number has two digits a byte, with up to three more. */
const valueBytes = (value: StoredValue): number => {
  if (typeof value === "string") return utf8Bytes(value);
  if (typeof value === "number") return Math.ceil(String(value).length / 2) + 2;
  return value instanceof Uint8Array ? value.length : 1;
};

/** Bytes of an item, or of the part of one that a change sets. */
export const itemBytes = (item: Readonly<Record<string, StoredValue>>): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + utf8Bytes(name) + valueBytes(value), 0);

/** @param what the name of the change that writes the item. */
export const itemTooLarge = (what: string): TooLarge =>
  new TooLarge({ kind: "item-too-large", what, limitKiB: MAX_ITEM_BYTES / 1024 });

/** @throws TooLarge when an item with this content cannot be stored. */
export const refuseLargeItem = (what: string, bytes: number): void => {
  if (bytes > MAX_ITEM_BYTES) throw itemTooLarge(what);
};

export const writeTooLarge = (): TooLarge =>
  new TooLarge({ kind: "write-too-large", limitMiB: MAX_TRANSACTION_BYTES / 1024 / 1024 });

/** @throws TooLarge when one transaction cannot take so much. */
export const refuseLargeTransaction = (actions: number, bytes: number): void => {
  if (actions > MAX_ACTIONS || bytes > MAX_TRANSACTION_BYTES) throw writeTooLarge();
};
