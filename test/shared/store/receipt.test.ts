import { expect, test } from "vitest";
import { findReceipt, putReceipt, RECEIPT, removeReceipts } from "../../../shared/store/receipt.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";
import { NOON } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

const DAY = 24 * 3_600_000;
const refused = expect.objectContaining({ names: new Set([RECEIPT]) });

test("an answer reads back byte for byte, with the body that it answers", async () => {
  const receipt = { id: "one", body: "hash-of-body" };
  await store.transact([putReceipt(receipt, { number: 1, x: 0.1 + 0.2 }, NOON)]);
  expect(await findReceipt(store, receipt, NOON)).toEqual({
    body: "hash-of-body",
    answer: '{"number":1,"x":0.30000000000000004}',
  });
  expect(await findReceipt(store, { ...receipt, id: "two" }, NOON)).toBeNull();
});

test("a key is used once: a second answer under it is refused and the first stands", async () => {
  const receipt = { id: "used", body: "body" };
  await store.transact([putReceipt(receipt, "first", NOON)]);
  await expect(store.transact([putReceipt(receipt, "second", NOON + DAY - 1000)])).rejects.toEqual(refused);
  expect((await findReceipt(store, receipt, NOON))?.answer).toBe('"first"');
});

test("a receipt lasts for 24 hours, whether or not DynamoDB has deleted it, and its key may be used again", async () => {
  const receipt = { id: "old", body: "body" };
  await store.transact([putReceipt(receipt, "first", NOON)]);
  expect(await findReceipt(store, receipt, NOON + DAY - 1)).not.toBeNull();
  expect(await findReceipt(store, receipt, NOON + DAY)).toBeNull();
  await store.transact([putReceipt({ ...receipt, body: "other" }, "second", NOON + DAY)]);
  expect(await findReceipt(store, receipt, NOON + DAY)).toEqual({ body: "other", answer: '"second"' });
});

test("a study's receipts are kept apart from others and go together", async () => {
  const of = (id: string, study?: string) => ({ id, body: "body", ...(study !== undefined && { study }) });
  const own = Array.from({ length: 20 }, (_, i) => of(`${String.fromCodePoint(97 + i)}-own`, "study-a"));
  const others = [of("a-own"), of("a-own", "study-b"), of("a-own", "study-a1")];
  await store.transact([...own, ...others].map((receipt) => putReceipt(receipt, receipt.study ?? "", NOON)));
  for (const one of [...own, ...others]) {
    expect(await findReceipt(store, one, NOON)).toMatchObject({ answer: JSON.stringify(one.study ?? "") });
  }
  await removeReceipts(store, "study-a");
  for (const one of own) expect(await findReceipt(store, one, NOON)).toBeNull();
  for (const one of others) expect(await findReceipt(store, one, NOON)).not.toBeNull();
});
