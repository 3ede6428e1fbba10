import { receiptKey, receiptPartitions } from "./keys.ts";
import type { Change, Store } from "./store.ts";

/**
 * Receipts make a write repeatable: the answer is stored in the transaction that makes the change, under the hash of
 * caller, route and Idempotency-Key, for 24 hours.
 */
const LIFETIME_SECONDS = 24 * 3600;

/** Made of the Idempotency-Key by the middleware. */
export interface Receipt {
  /** Hash of caller, route, path and key. */
  readonly id: string;
  /** Hash of the body. */
  readonly body: string;
  /** The study that is written; its deletion deletes the receipt too. */
  readonly study?: string;
}

export const RECEIPT = "receipt";

export interface StoredReceipt {
  readonly body: string;
  readonly answer: string;
}

/** DynamoDB deletes expired items late, so a receipt past its time counts as absent. */
export const findReceipt = async (
  store: Store,
  receipt: Receipt,
  now: number,
): Promise<StoredReceipt | null> => {
  const item = await store.get(receiptKey(receipt.id, receipt.study));
  if (item === null || Number(item.ttl) * 1000 <= now) return null;
  return { body: String(item.body), answer: String(item.answer) };
};

/** Fails under the name `RECEIPT` when the key was used meanwhile. */
export const putReceipt = (receipt: Receipt, answer: unknown, now: number): Change => {
  const seconds = Math.floor(now / 1000);
  return {
    name: RECEIPT,
    key: receiptKey(receipt.id, receipt.study),
    put: { body: receipt.body, answer: JSON.stringify(answer), ttl: seconds + LIFETIME_SECONDS },
    when: { expression: "attribute_not_exists(pk) OR #ttl <= :seconds", values: { seconds } },
  };
};

/** Deletes the receipts of a study. */
export const removeReceipts = async (store: Store, study: string): Promise<void> => {
  await Promise.all(receiptPartitions(study).map((partition) => store.removePartition(partition)));
};
