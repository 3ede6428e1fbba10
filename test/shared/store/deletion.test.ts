import { expect, test } from "vitest";
import { activateBatch } from "../../../shared/store/active-batch.ts";
import { listDeletions, newDeletion } from "../../../shared/store/deletion.ts";
import { deletionKey } from "../../../shared/store/keys.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

test("a study that is being deleted is found until its item is gone", async () => {
  await store.transact([activateBatch("study-x")]);
  expect(await listDeletions(store)).toEqual([]);
  await store.transact([newDeletion("study-a", "acme"), newDeletion("study-b", "other")]);
  expect(await listDeletions(store)).toEqual(["study-a", "study-b"]);
  await store.removeAll([deletionKey("study-a")]);
  expect(await listDeletions(store)).toEqual(["study-b"]);
});
